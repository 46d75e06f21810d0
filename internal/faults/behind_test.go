package faults

import (
	"testing"
	"time"
)

// A subscriber that goes on at another node, which has not got as far as the one it comes from, gets what follows and
// nothing twice.
func TestSubscriberComesToANodeThatIsBehind(t *testing.T) {
	Long(t, 0, 0)
	c := Form(t, 3)
	s := c.Load(Load{Writers: 6, Rate: Scaled(8000), Size: 256})
	behind := c.Others(c.Leader())[0]
	ahead := s.Readers[c.Leader()]
	c.Net.Isolate(behind, true)
	s.Sleep(time.Second)
	last, ok := ahead.newest()
	if !ok {
		t.Fatal("nothing was delivered")
	}
	state, err := c.Nodes[behind].State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if state.Applied+2 >= last.At.Index {
		t.Fatalf("the node that was cut off is at entry %d, the subscriber at %s: the test shows nothing",
			state.Applied, last.At)
	}
	s.Subscribe(behind, last)
	s.Sleep(time.Second)
	c.Net.Heal()
	s.Flows(10 * time.Second)
	s.Verdict()
}
