package query

import (
	"iter"

	"hpfriends/graph"
	"hpfriends/graph/limit"
	"hpfriends/query/view"
)

// Used is how much of a kind a user has. Of members it is those of the largest group of which they are an admin. ok is
// false for what a node counts and the graph does not: changes and their bytes.
func Used(g *graph.Graph, user graph.UserID, kind limit.Kind) (n int, ok bool) {
	switch kind {
	case limit.Authkeys:
		return Count(g.AuthkeysOf(user)), true
	case limit.Shares:
		return Count(g.SharesOf(user)), true
	case limit.Groups:
		for m := range g.GroupsOf(user) {
			if m.Group != graph.Everyone {
				n++
			}
		}
		return n, true
	case limit.Tokens:
		return Count(g.TokensOf(user)), true
	case limit.Invitations:
		return Count(g.InvitationsOf(user)), true
	case limit.Members:
		for m := range g.GroupsOf(user) {
			if m.Admin {
				n = max(n, Count(g.Members(m.Group)))
			}
		}
		return n, true
	case limit.Changes, limit.Bytes:
	}
	return 0, false
}

// Count is how many there are.
func Count[T any](all iter.Seq[T]) (n int) {
	for range all {
		n++
	}
	return n
}

// ownLimits are those that an admin has set for a user.
func ownLimits(u *graph.User) (own []view.Limit) {
	for k := range limit.All() {
		if u.Limits[k] != 0 {
			own = append(own, view.Limit{Name: k.String(), About: k.About(), Most: u.Limits.Of(k), Own: true})
		}
	}
	return own
}

// limitsOf are all limits of a user, with what is used of each.
func limitsOf(g *graph.Graph, u *graph.User) (all []view.Limit) {
	for k := range limit.All() {
		l := view.Limit{Name: k.String(), About: k.About(), Most: u.Limits.Of(k), Own: u.Limits[k] != 0}
		if n, ok := Used(g, u.ID, k); ok {
			l.Used = &n
		}
		all = append(all, l)
	}
	return all
}
