package faults

import (
	"strings"
	"testing"
	"time"

	"hpfriends/api"
)

// seats asks a node for the members, by id.
func (c *Cluster) seats(at int) map[string]api.ClusterMember {
	c.t.Helper()
	all := make(map[string]api.ClusterMember)
	if status, err := api.ShowCluster.Call(c.t.Context(), c.Nodes[at].api, api.None{}); err == nil {
		for _, m := range status.Members {
			all[m.ID] = m
		}
	}
	return all
}

// order has the leader change the members; it may change itself meanwhile.
func (c *Cluster) order(verb string, node int) {
	c.t.Helper()
	c.Until(verb+" "+c.Nodes[node].ID, 30*time.Second, func() bool {
		at := c.Leader()
		if verb == "leave" {
			at = node
		}
		o := api.RemoveNode
		if verb == "leave" {
			o = api.LeaveCluster
		}
		err := order(c.t.Context(), c.Nodes[at], o, c.Nodes[node].ID)
		if err != nil {
			c.t.Logf("%s %s: %v", verb, c.Nodes[node].ID, err)
		}
		return err == nil
	})
}

// follower is a member with a vote that does not lead, none of those.
func (s *Season) follower(than ...int) int {
	s.t.Helper()
	lead := s.Leader()
	var all []int
next:
	for _, i := range s.Others(lead) {
		for _, not := range than {
			if i == not {
				continue next
			}
		}
		all = append(all, i)
	}
	return all[s.Dice.IntN(len(all))]
}

// partitioned cuts a follower off while do runs, and a while longer.
func (s *Season) partitioned(node int, do func()) {
	s.t.Helper()
	s.Net.Isolate(node, true)
	do()
	s.Sleep(between(s.Dice, 500*time.Millisecond, 2*time.Second))
	s.Net.Heal()
}

// enlist has a new node join while a follower is cut off, and waits for its vote, which it must not get before it has
// caught up.
func (s *Season) enlist() (place int) {
	s.t.Helper()
	cut := s.follower()
	s.partitioned(cut, func() { place = s.Join(s.Leader()) })
	id := s.Nodes[place].ID
	s.Until(id+" votes", 60*time.Second, func() bool {
		m, there := s.seats(s.Leader())[id]
		if there && m.Role != "nonvoter" && m.LagEntries > 1024 {
			s.t.Errorf("%s has a vote and is %d entries behind", id, m.LagEntries)
		}
		return there && m.Role != "nonvoter"
	})
	s.Nodes[place].Await(20 * time.Second)
	return place
}

// ended waits until a removed node has ended by itself, and forgets it.
func (s *Season) ended(place int) {
	s.t.Helper()
	n := s.Nodes[place]
	select {
	case <-n.process().Done():
	case <-time.After(40 * time.Second):
		s.t.Errorf("%s was removed and goes on", n.ID)
	}
	if said := n.Tail(); !strings.Contains(said, "removed from the cluster") &&
		!strings.Contains(said, "refuse this node") {
		s.t.Errorf("%s does not say why it ended: %s", n.ID, said)
	}
	s.Forget(place)
}

// T15: all members are replaced, one after the other, under load and with a partition in each step: one that died, one
// that runs, and the leader. Then two readers join, which get no vote and are not missed.
func TestT15MembersUnderLoad(t *testing.T) {
	Long(t, 0, 0)
	c := FormWith(t, 3, 5)
	s := c.Load(Load{Writers: 12, Rate: Scaled(20_000), Size: 256})
	h := s.Hands()

	dead := s.follower()
	s.enlist()
	c.Forget(dead) // kill -9, for good
	c.order("remove", dead)
	s.Flows(10 * time.Second)

	old := -1
	for _, i := range c.Others(c.Leader()) {
		if i < 3 {
			old = i
		}
	}
	s.enlist()
	s.partitioned(s.follower(old), func() { c.order("remove", old) })
	s.ended(old)
	s.Flows(10 * time.Second)

	s.enlist()
	for _, i := range c.Members() {
		if i < 3 {
			old = i
		}
	}
	c.Until("the last of the first leads", 30*time.Second, func() bool {
		if c.Leader() == old {
			return true
		}
		_ = order(t.Context(), c.Nodes[c.Leader()], api.TransferLeadership, c.Nodes[old].ID)
		return false
	})
	s.partitioned(s.follower(), func() { c.order("leave", old) })
	s.ended(old)
	s.Flows(10 * time.Second)
	t.Logf("T15: all three were replaced; longest pause of confirmations %v", s.Pauses().Round(time.Millisecond))

	var readers []int
	for range 2 {
		place := c.Join(c.Leader(), "--nonvoter")
		c.Nodes[place].Await(60 * time.Second)
		s.Subscribe(place, Delivery{})
		readers = append(readers, place)
	}
	c.Sleep(5 * time.Second) // a node that is to vote does by now
	for _, place := range readers {
		if m := c.seats(c.Leader())[c.Nodes[place].ID]; m.Role != "nonvoter" || m.Error != "" {
			t.Errorf("a reader is %+v", m)
		}
		c.Nodes[place].Kill()
	}
	s.Pauses()
	missed := s.follower(readers...)
	c.Nodes[missed].Kill() // with two of three voters and no reader it goes on
	s.Flows(10 * time.Second)
	t.Logf("T15: without the readers and one voter, the pause was %v", s.Pauses().Round(time.Millisecond))
	c.Nodes[missed].Start()
	for _, place := range readers {
		c.Nodes[place].Start("--nonvoter")
	}
	h.Outcomes()
	s.Verdict()
}
