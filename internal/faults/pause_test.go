package faults

import (
	"testing"
	"time"
)

// T03: the leader is stopped in the middle of whatever it does, others elect, and it goes on as if nothing had been.
// What it confirms then must be true; and no term has two leaders, or two entries would have the same index and term.
func TestT03PauseLeader(t *testing.T) {
	last, most := Long(t, 18*time.Second, 9*time.Minute), 4*time.Second
	if Wanted(t) == Soak {
		most = 15 * time.Second
	}
	c := Form(t, 3)
	s := c.Load(Load{Writers: 18, Rate: Scaled(20_000), Size: 512, Stay: true})
	h := s.Hands()
	var flows []time.Duration
	deposed := 0
	for start := time.Now(); time.Since(start) < last; {
		l := c.Leader()
		d := between(c.Dice, 500*time.Millisecond, most)
		if len(flows) == 0 {
			d = most // at least one is long enough for an election
		}
		begin := time.Now()
		c.Nodes[l].Pause()
		c.Sleep(d)
		old := s.Confirmed(l)
		c.Nodes[l].Resume()
		flows = append(flows, s.Flows(15*time.Second))
		if c.Leader() != l {
			deposed++
		}
		t.Logf("%s was stopped for %v, and every writer is confirmed %v after; it confirmed %d more; leads still: %v",
			c.Nodes[l].ID,
			d.Round(time.Millisecond), time.Since(begin).Round(time.Millisecond)-d.Round(time.Millisecond), s.Confirmed(l)-old,
			c.Leader() == l)
	}
	h.Outcomes()
	f := s.Verdict()
	_, _, slowest := figures(flows)
	t.Logf("T03: the leader was stopped %d times, %d times another was elected; every writer is confirmed %v after the "+
		"end at most; %d terms", len(flows), deposed, slowest, f.Terms)
	if deposed == 0 {
		t.Error("no leader was deposed: the test shows nothing")
	}
}
