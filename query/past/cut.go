package past

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hpfriends/eventlog"
	"hpfriends/graph"
)

// Cut is where a time falls among the changes.
type Cut struct {
	Index uint64 // of the newest change up to then, for a state
	Last  uint64 // of the newest change that is stamped up to then, for a list; not below Index
}

// outvoted is by how many the changes stamped later than a time must prevail over the others before nobody looks on.
const outvoted = 64

// CutAt finds where a time falls among changes whose stamps may be wrong. Before the cut stand changes that are stamped
// up to then, behind it later ones: of all cuts it is the one that the fewest changes contradict, and of several the
// last. So a few changes of a clock that was ahead, or behind, move it no further than their own places. One that is
// stamped later than now is wrong for certain, and says nothing.
//
// Marks of time are not below the stamps of any change up to theirs, so no change before the first mark above a time
// can be later.
func (t *TimeTravel) CutAt(at time.Time) (Cut, error) {
	mark, err := t.log.Audit().At(at)
	c, now := Cut{mark.Index, mark.Index}, t.config.Now()
	votes, most := 0, 0
	for from := mark.Index + 1; from != 0 && err == nil; {
		from, err = t.log.Audit().Scan(from, Portion, func(r eventlog.AuditRecord) error {
			stamped, err := stampOf(r)
			switch {
			case err != nil:
				return err
			case stamped.UnixMilli() <= at.UnixMilli():
				c.Last = r.Index
				if votes++; votes >= most {
					most, c.Index = votes, r.Index
				}
			case !stamped.After(now):
				if votes--; votes < most-outvoted {
					return errEnough
				}
			}
			return nil
		})
	}
	if errors.Is(err, errEnough) {
		err = nil
	}
	return c, err
}

// Stamp is when a command was proposed, by the clock of whoever did it, to the millisecond.
func Stamp(c graph.Command) time.Time { return time.UnixMilli(c.Time.UnixMilli()).UTC() }

func stampOf(r eventlog.AuditRecord) (time.Time, error) {
	var c graph.Command
	if err := json.Unmarshal(r.Command, &c); err != nil {
		return time.Time{}, fmt.Errorf("past: change #%d: %w", r.Index, err)
	}
	return Stamp(c), nil
}
