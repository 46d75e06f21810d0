package faults

import (
	"testing"
	"time"
)

// T22: proposals are done and their answers are lost, so that nodes propose again what is in the log already; and the
// leader dies with answers it has not given. Every message is in the log once all the same.
func TestT22LostAnswers(t *testing.T) {
	last := Long(t, 20*time.Second, 10*time.Minute)
	c := Form(t, 3)
	s := c.Load(Load{Writers: 18, Rate: Scaled(20_000), Size: 256, Stay: true})
	h := s.Hands()
	kills := 0
	for begin := time.Now(); time.Since(begin) < last; kills++ {
		l := c.Leader()
		for _, follower := range c.Others(l) {
			c.Net.LoseAnswers(follower, l, 10)
		}
		c.Sleep(between(c.Dice, 2*time.Second, 4*time.Second))
		for _, follower := range c.Others(l) {
			c.Net.LoseAnswers(follower, l, 0)
			c.Net.HoldAnswers(follower, l, true)
		}
		c.Sleep(between(c.Dice, 20*time.Millisecond, 200*time.Millisecond)) // proposals are committed, and nobody hears of it
		c.Nodes[l].Kill()
		c.Net.Heal()
		c.Nodes[l].Start()
		s.Flows(15 * time.Second)
	}
	lost := c.Net.Lost()
	h.Outcomes()
	f := s.Verdict()
	t.Logf("T22: %d answers were lost, the leader was killed %d times before it answered; %d batches came again and "+
		"are hidden", lost, kills, f.Hidden)
	if lost == 0 || f.Hidden == 0 {
		t.Errorf("%d answers were lost and %d batches came again: the test shows nothing", lost, f.Hidden)
	}
}
