package graph

// update brings r, which was right before the deltas, in line with g, which they led to.
//
// An edge of the reach can only come, go or change where a delta says so: at a user's incoming edges, or at the edges
// of a share. So it is enough to look at these users (suspects): whoever has lost the last edge of their best path is
// cut off together with everybody below them in the tree, and all of them and the other suspects are offered every
// incoming edge they have now. Improvements then spread by settle.
func (r *Reach) update(g *Graph, deltas []*delta) {
	if g.enabled(r.origin) != (len(r.slots) > 0) {
		r.compute(g)
		return
	}
	if len(r.slots) == 0 {
		return
	}
	suspects := r.suspects(deltas)
	for _, u := range suspects[:len(suspects):len(suspects)] {
		if at, ok := r.slots[u]; ok && u != r.origin && !r.holds(g, at) {
			suspects = r.cut(at, suspects)
		}
	}
	for _, u := range suspects {
		r.reconnect(g, u)
	}
	r.settle(g)
}

// suspects are the users whose best path may have changed, as far as the deltas name them.
func (r *Reach) suspects(deltas []*delta) []UserID {
	var users []UserID
	for _, d := range deltas {
		if d.channel == "" || d.channel.Match(r.channel) {
			users = append(users, d.users...)
		}
		for _, s := range d.shares {
			at, ok := r.slots[s.Owner]
			if !ok || !s.Channel.Match(r.channel) {
				continue
			}
			for c := r.nodes[at].child; c != none; c = r.nodes[c].next {
				if r.nodes[c].via == s.ID {
					users = append(users, r.nodes[c].user)
				}
			}
		}
	}
	return users
}

// holds reports whether the last edge of the best path to this user is still there, and still starts where it did.
func (r *Reach) holds(g *Graph, at int32) bool {
	n := r.nodes[at]
	s, ok := g.Share(n.via)
	return ok && r.counts(s) && g.enabled(n.user) && g.Accepted(s.ID, n.user) &&
		max(r.nodes[n.parent].from, s.start(g, n.user)) == n.from
}

// cut takes a user and all below them out of the reach and appends them to users.
func (r *Reach) cut(at int32, users []UserID) []UserID {
	r.unlink(at)
	stack := []int32{at}
	for len(stack) > 0 {
		at, stack = stack[len(stack)-1], stack[:len(stack)-1]
		for c := r.nodes[at].child; c != none; c = r.nodes[c].next {
			stack = append(stack, c)
		}
		users = append(users, r.nodes[at].user)
		delete(r.slots, r.nodes[at].user)
		r.free = append(r.free, at)
	}
	return users
}

// reconnect offers a user all edges that lead to them from the reach.
func (r *Reach) reconnect(g *Graph, user UserID) {
	if user == r.origin {
		return
	}
	for s := range g.AcceptedBy(user) {
		if !r.counts(s) {
			continue
		}
		if at, ok := r.slots[s.Owner]; ok {
			r.relax(g, at, s, user)
		}
	}
}
