package graph

import "hpfriends/graph/tree"

// A share or group that 100,000 users had decided on or been in goes in one step. What says so by user would cost a
// step for each of them, and everything would wait. It stays: no share or group gets a number again, so whoever reads
// it finds nothing and goes on. Each change looks at a few more of these entries and removes what is left over. To add
// one takes a change too, so there are never many more of them than there were decisions and memberships at once.

// sweepStep is how many entries of each index a change looks at.
const sweepStep = 16

// swept is where the next change goes on. It says nothing about the graph, and is not stored.
type swept struct{ decision, membership tree.Pair }

func (d *draft) sweep() {
	share := func(p tree.Pair) bool { return d.shares.Has(p.B) }
	group := func(p tree.Pair) bool { return d.groups.byID.Has(p.B) }
	d.swept.decision = d.byReceiver.Sweep(d.edit, d.swept.decision, sweepStep, share)
	d.swept.membership = d.memberOf.Sweep(d.edit, d.swept.membership, sweepStep, group)
}
