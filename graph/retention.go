package graph

import "time"

// Retention is what people have said about the removal of old messages.
type Retention struct {
	Held     bool      // nothing is removed by its age
	Accepted Mark      // of the newest acceptance
	Clock    time.Time // what the clock said that was accepted
}

// Retention returns what holds now.
func (g *Graph) Retention() Retention { return g.retention }

func (op HoldRetention) authorize(d *draft) error { return d.requireAdmin("hold retention") }

func (op HoldRetention) apply(d *draft) (uint64, error) {
	if d.retention.Held {
		return 0, refuse(Conflict, "", "retention by age is held already")
	}
	d.retention.Held = true
	return 0, nil
}

func (op ResumeRetention) authorize(d *draft) error { return d.requireAdmin("let retention go on") }

func (op ResumeRetention) apply(d *draft) (uint64, error) {
	if !d.retention.Held {
		return 0, refuse(Conflict, "", "retention by age is not held")
	}
	d.retention.Held = false
	return 0, nil
}

func (op AcceptRetention) authorize(d *draft) error {
	return d.requireAdmin("accept a clock, and what retention would remove")
}

func (op AcceptRetention) apply(d *draft) (uint64, error) {
	d.retention.Accepted, d.retention.Clock = d.at, canonical(op.Clock)
	return 0, nil
}
