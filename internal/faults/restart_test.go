package faults

import (
	"testing"
	"time"
)

// All nodes are restarted one after the other, in good order, while everybody publishes: connections to the other
// nodes stay, and wait no longer than it takes to hand leadership over.
func TestRollingRestart(t *testing.T) {
	Long(t, 0, 0)
	c := Form(t, 3)
	s := c.Load(Load{Writers: 6, Rate: Scaled(20_000), Size: 256, Stay: true})
	for i, n := range c.Nodes {
		led := c.Leader() == i
		s.Pauses()
		n.Stop()
		n.Start()
		s.Flows(10 * time.Second)
		var pause time.Duration
		for _, w := range s.Writers {
			if w.nodes[0] != i {
				pause = max(pause, w.Pause())
			}
		}
		t.Logf("restart of %s (leader: %v): writers on other nodes waited %v", n.ID, led, pause.Round(time.Millisecond))
		if pause > 2*time.Second {
			t.Errorf("restart of %s: writers on other nodes waited %v, at most 2 s", n.ID, pause)
		}
	}
	for _, w := range s.Writers {
		if runs := len(w.Sent()); runs != 2 {
			t.Errorf("writer %d had %d connections: want 2, since one node of three was restarted under it", w.number, runs)
		}
	}
	s.Verdict()
}
