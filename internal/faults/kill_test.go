package faults

import (
	"testing"
	"time"
)

// One kill of the leader, in every run of the tests: the rest is in make faults.
func TestLeaderIsKilledOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("three server processes")
	}
	c := Form(t, 3)
	s := c.Load(Load{Writers: 6, Rate: Scaled(8000), Size: 256})
	l := c.Leader()
	c.Nodes[l].Kill()
	took := s.Flows(10 * time.Second)
	t.Logf("publishing goes on after %v", took)
	c.Nodes[l].Start()
	s.Flows(10 * time.Second)
	s.Verdict()
}
