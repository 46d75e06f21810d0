package graph

import "hpfriends/graph/tree"

// A share or group that 100,000 users had decided on or been in goes in one step. What says so by user would cost a step
// for each of them, and everything would wait. It stays: no share or group gets a number again, so whoever reads it
// finds nothing and goes on. Each change looks at a few more of these entries and removes what is left over. To add one
// takes a change too, so there are never more of them than there were decisions and memberships at once, and a few.

// sweepStep is how many entries of each index a change looks at.
const sweepStep = 16

// swept is where the next change goes on. It says nothing about the graph, and is not stored.
type swept struct{ decision, membership tree.Pair }

func (d *draft) sweep() {
	s := &d.swept
	s.decision = d.byReceiver.Sweep(d.edit, s.decision, sweepStep, func(p tree.Pair) bool { return d.shares.Has(p.B) })
	s.membership = d.memberOf.Sweep(d.edit, s.membership, sweepStep, func(p tree.Pair) bool { return d.groups.byID.Has(p.B) })
}
