package faults

import (
	"testing"
	"time"
)

const (
	// grace is how long confirmations of what was committed before a cut may be on their way.
	grace = 500 * time.Millisecond
	// convergence is how soon after a cut all nodes are equal and every writer is confirmed.
	convergence = 10 * time.Second
)

// T04: the ways between the nodes are cut in several manners, with clients on both sides.
func TestT04Partitions(t *testing.T) {
	last := Long(t, 50*time.Second, 10*time.Minute)
	c := Form(t, 3)
	s := c.Load(Load{Writers: 18, Rate: Scaled(20_000), Size: 512, Stay: true})
	h := s.Hands()
	cuts := []func(*Season){(*Season).cutLeader, (*Season).cutFollower, (*Season).cutOneDirection, (*Season).cutCircle,
		(*Season).flap,
		(*Season).slowDown, (*Season).breakOff}
	var heals []time.Duration
	for begin := time.Now(); time.Since(begin) < last || len(heals) < len(cuts); {
		cuts[len(heals)%len(cuts)](s)
		healed := time.Now()
		c.Net.Heal()
		s.Flows(convergence)
		c.Until("all nodes have caught up", convergence-time.Since(healed), c.caughtUp)
		heals = append(heals, time.Since(healed))
	}
	h.Outcomes()
	s.Verdict()
	p50, p95, most := figures(heals)
	t.Logf("T04: %d cuts, from the heal until all nodes have caught up and every writer is confirmed: p50 %v, p95 %v, "+
		"max %v", len(heals), p50, p95, most)
}

// cutLeader cuts the leader off, with its clients: the majority goes on, and nothing is confirmed on the other side.
func (s *Season) cutLeader() {
	s.t.Helper()
	s.cutOff(s.Leader())
}

// cutFollower is the same for another node.
func (s *Season) cutFollower() {
	s.t.Helper()
	s.cutOff((s.Leader() + 1 + s.Dice.IntN(2)) % 3)
}

func (s *Season) cutOff(node int) {
	s.t.Helper()
	begin := time.Now()
	s.Net.Isolate(node, true)
	s.Sleep(grace)
	before := s.Confirmed(node)
	others := s.Others(node)
	majority := s.Confirmed(others...)
	s.Until("the majority goes on", 6*time.Second, func() bool { return s.Confirmed(others...) > majority+200 })
	took := time.Since(begin)
	s.Sleep(between(s.Dice, 2*time.Second, 6*time.Second))
	if n := s.Confirmed(node) - before; n > 0 {
		s.t.Errorf("%s was cut off and confirmed %d messages", s.Nodes[node].ID, n)
	}
	waits := false
	for _, w := range s.Writers {
		n, ok := w.newest()
		waits = waits || ok && n.Node == node && n.Sent > n.Confirmed
	}
	if !waits {
		s.t.Errorf("no message waits on %s, which was cut off: the test shows nothing", s.Nodes[node].ID)
	}
	s.t.Logf("%s was cut off: the majority went on after %v", s.Nodes[node].ID, took.Round(time.Millisecond))
}

// cutOneDirection lets one node hear another but not the other way round.
func (s *Season) cutOneDirection() {
	from := s.Leader()
	to := s.Others(from)[s.Dice.IntN(2)]
	if s.Dice.IntN(2) == 0 {
		from, to = to, from
	}
	s.Net.Sever(from, to, true)
	s.Sleep(between(s.Dice, 2*time.Second, 6*time.Second))
	s.t.Logf("nothing passed from %s to %s", s.Nodes[from].ID, s.Nodes[to].ID)
}

// cutCircle lets every node send to the next one only: nobody hears who answers.
func (s *Season) cutCircle() {
	for from := range s.Nodes {
		s.Net.Sever((from+1)%len(s.Nodes), from, true)
	}
	s.Sleep(grace)
	before := s.Confirmed()
	s.Sleep(between(s.Dice, 2*time.Second, 5*time.Second))
	if n := s.Confirmed() - before; n > 0 {
		s.t.Errorf("no two nodes could speak with each other, and %d messages were confirmed", n)
	}
	s.t.Log("every node could send to the next one only")
}

// flap cuts a node off and joins it again, each 500 ms.
func (s *Season) flap() {
	node := s.Leader()
	for range 8 {
		s.Net.Isolate(node, true)
		s.Sleep(500 * time.Millisecond)
		s.Net.Isolate(node, false)
		s.Sleep(500 * time.Millisecond)
	}
	s.t.Logf("%s came and went", s.Nodes[node].ID)
}

// slowDown makes everything between the nodes take its time: up to as long as around the world. Publishing goes on.
func (s *Season) slowDown() {
	s.t.Helper()
	d := between(s.Dice, 10*time.Millisecond, 120*time.Millisecond)
	for from := range s.Nodes {
		for to := range s.Nodes {
			s.Net.Delay(from, to, d)
		}
	}
	s.Sleep(between(s.Dice, 2*time.Second, 4*time.Second))
	s.t.Logf("each piece between the nodes took %v longer, and every writer was confirmed after %v",
		d.Round(time.Millisecond), s.Flows(convergence).Round(time.Millisecond))
}

// breakOff ends all connections between two nodes, again and again.
func (s *Season) breakOff() {
	a := s.Leader()
	b := s.Others(a)[s.Dice.IntN(2)]
	for range 10 {
		s.Net.Reset(a, b)
		s.Net.Reset(b, a)
		s.Sleep(between(s.Dice, 50*time.Millisecond, 500*time.Millisecond))
	}
	s.t.Logf("the connections between %s and %s broke off ten times", s.Nodes[a].ID, s.Nodes[b].ID)
}

// T04 with five nodes that form a ring: each hears its two neighbours, so that every node sees a majority, and no two
// the same.
func TestT04Ring(t *testing.T) {
	last := Long(t, 8*time.Second, 2*time.Minute)
	c := Form(t, 5)
	s := c.Load(Load{Writers: 10, Rate: Scaled(8000), Size: 256, Stay: true})
	n := len(c.Nodes)
	for a := range n {
		for b := range n {
			if gap := (b - a + n) % n; gap == 2 || gap == 3 {
				c.Net.Sever(a, b, true)
			}
		}
	}
	c.Sleep(last)
	healed := time.Now()
	c.Net.Heal()
	s.Flows(convergence)
	c.Until("all nodes have caught up", convergence-time.Since(healed), c.caughtUp)
	took := time.Since(healed)
	f := s.Verdict()
	t.Logf("T04: a ring of five for %v, %d terms; all nodes have caught up %v after the heal",
		last, f.Terms, took.Round(time.Millisecond))
}

// T04 with cables: the leader's link is down for longer and longer, so that TCP waits longer and longer before it
// tries again.
func TestT04Unplugged(t *testing.T) {
	Long(t, 0, 0)
	c := FormLAN(t, 3)
	s := c.Load(Load{Writers: 9, Rate: Scaled(8000), Size: 256, Stay: true})
	lengths := []time.Duration{time.Second, 6 * time.Second}
	if Wanted(t) == Soak {
		lengths = append(lengths, 20*time.Second, time.Minute, 3*time.Minute)
	}
	for _, d := range lengths {
		l := c.Leader()
		others := c.Others(l)
		c.LAN.Unplug(c.Nodes[l])
		c.Sleep(grace)
		before, majority := s.Confirmed(l), s.Confirmed(others...)
		c.Sleep(d)
		if n := s.Confirmed(l) - before; n > 0 {
			t.Errorf("%s was unplugged and confirmed %d messages", c.Nodes[l].ID, n)
		}
		c.Until("the majority goes on", 6*time.Second, func() bool { return s.Confirmed(others...) > majority+50 })
		healed := time.Now()
		c.Heal()
		s.Flows(convergence)
		c.Until("all nodes have caught up", convergence-time.Since(healed), c.caughtUp)
		t.Logf("T04: the leader %s was unplugged for %v; all nodes have caught up and every writer is confirmed %v after",
			c.Nodes[l].ID, d,
			time.Since(healed).Round(time.Millisecond))
	}
	s.Verdict()
}
