package raftfsm

import (
	"cmp"
	"fmt"
	"time"

	"hpfriends/raftfsm/retention"
	"hpfriends/raftfsm/survey"
)

const (
	holdCommand   = "hpfriends retention hold"
	acceptCommand = "hpfriends retention accept"
)

// Kept is how long messages are kept, and by which clock.
type Kept struct {
	retention.Policy
	Held     bool
	Now      time.Time       // as this node takes it
	Wall     time.Time       // the machine's clock
	Trusted  bool            // Now may end what cannot be undone
	Waiting  *survey.Removal // here or on the leader; nil: nothing
	Warnings []string
}

// Kept says how long messages are kept.
func (n *Node) Kept() Kept {
	_, trusted := n.clock.Trusted()
	return Kept{Policy: n.keeper.Policy, Held: n.Graph().Retention().Held, Now: n.clock.Now().UTC(),
		Wall: n.clock.Wall().UTC(), Trusted: trusted, Warnings: n.Notices(),
		Waiting: cmp.Or(n.keeper.Removal(), n.members.leader().Removal)}
}

// Notices are what the operator should know of this node and of the leader.
func (n *Node) Notices() []string {
	return append(n.notices(), n.members.leader().Notices...)
}

// leader is what the leader elsewhere said of itself of late; empty: it is here, or none is known.
func (m *Members) leader() (r survey.Report) {
	if m == nil || m.node.Leading() {
		return r
	}
	if seen := m.reconciler.surveyed.Load(); seen != nil {
		r = survey.Leader(*seen)
	}
	return r
}

// notices are what the operator should know of this node.
func (n *Node) notices() (all []string) {
	if d, ok := n.clock.Doubt(); ok {
		all = append(all, fmt.Sprintf("the clock of node %s says %s where %s was expected: nothing expires or goes by its "+
			"age for another %s; set the clock, or if it is right: %s", n.id, d.Wall.Format(time.RFC3339),
			d.Expected.Format(time.RFC3339), d.Left.Round(time.Second), acceptCommand))
	}
	if w := n.keeper.Waiting(); w != nil {
		all = append(all, fmt.Sprintf("retention removes messages from %s to %s, more than usual, in %s; to stop it: %s; to "+
			"begin now: %s", w.Oldest.Format(time.RFC3339), w.Until.Format(time.RFC3339), w.Left().Round(time.Second),
			holdCommand, acceptCommand))
	}
	if n.Leading() && n.keeper.Age > 0 && n.Graph().Retention().Held {
		all = append(all, "retention by age is held: nothing goes until: hpfriends retention resume")
	}
	return append(all, n.repairer.Notices(n.id)...)
}
