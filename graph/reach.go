package graph

import (
	"iter"
	"maps"
	"slices"

	"hpfriends/graph/frontier"
)

// Reach is who receives what one origin publishes on one channel, and from which position on. One that Graph.Reach
// returned never changes; one that View.Reach returned may change with the next call of that view.
//
// It holds the tree of the best paths, so that a change of the graph costs what it touches: what hangs from an edge
// that has ended is cut off and looked for anew, and everything else stays.
type Reach struct {
	origin  UserID
	channel string
	slots   map[UserID]int32 // -> nodes
	nodes   []reached
	free    []int32 // of nodes
	queue   frontier.Queue
}

// reached is one user in the reach. The references are places in nodes, none if there is none.
type reached struct {
	user        UserID
	from        uint64  // visible from this log index on
	via         ShareID // last edge of the best path
	parent      int32   // whose share that is
	child       int32   // the first of those that this user passes on to
	next, prior int32   // the other children of parent
}

const none int32 = -1

// Reach computes who receives what origin publishes on channel. The log index from which a user sees it is the earliest
// over all paths, of the latest start of an edge on the path: so this is Dijkstra's algorithm with max in place of
// plus.
func (g *Graph) Reach(origin UserID, channel string) *Reach {
	r := &Reach{origin: origin, channel: channel, slots: make(map[UserID]int32)}
	r.compute(g)
	return r
}

// Channel is the channel that it is about.
func (r *Reach) Channel() string { return r.channel }

// Has reports whether user receives it.
func (r *Reach) Has(user UserID) bool {
	_, ok := r.slots[user]
	return ok
}

// VisibleFrom is the log index from which on user may see it. ok is false if they may not at all.
func (r *Reach) VisibleFrom(user UserID) (from uint64, ok bool) {
	at, ok := r.slots[user]
	if !ok {
		return 0, false
	}
	return r.nodes[at].from, true
}

// Len is how many users receive it, the origin included.
func (r *Reach) Len() int { return len(r.slots) }

// All yields the users and from where on they see it, by user.
func (r *Reach) All() iter.Seq2[UserID, uint64] {
	return func(yield func(UserID, uint64) bool) {
		for _, u := range slices.Sorted(maps.Keys(r.slots)) {
			if !yield(u, r.nodes[r.slots[u]].from) {
				return
			}
		}
	}
}

// Edge is a share as it leads to one of its receivers.
type Edge struct {
	Share    ShareID
	Receiver UserID
}

// Path is the best path from the origin to a user. It is empty for the origin, and for a user who is not in the reach.
func (r *Reach) Path(user UserID) []Edge {
	at, ok := r.slots[user]
	if !ok {
		return nil
	}
	var path []Edge
	for ; r.nodes[at].parent != none; at = r.nodes[at].parent {
		path = append(path, Edge{r.nodes[at].via, r.nodes[at].user})
	}
	slices.Reverse(path)
	return path
}

func (r *Reach) compute(g *Graph) {
	clear(r.slots)
	r.nodes, r.free = r.nodes[:0], nil
	if !g.enabled(r.origin) {
		return
	}
	r.add(reached{user: r.origin, parent: none})
	r.settle(g)
}

// add adds a user who was not there, as a child of n.parent, and queues them.
func (r *Reach) add(n reached) {
	at := int32(len(r.nodes))
	n.child, n.next, n.prior = none, none, none
	if last := len(r.free) - 1; last >= 0 {
		at, r.free = r.free[last], r.free[:last]
		r.nodes[at] = n
	} else {
		r.nodes = append(r.nodes, n)
	}
	r.slots[n.user] = at
	r.link(at)
	r.queue.Push(frontier.End{Weight: n.from, At: at})
}

func (r *Reach) link(at int32) {
	n := &r.nodes[at]
	if n.parent == none {
		return
	}
	parent := &r.nodes[n.parent]
	n.prior, n.next = none, parent.child
	if n.next != none {
		r.nodes[n.next].prior = at
	}
	parent.child = at
}

func (r *Reach) unlink(at int32) {
	n := &r.nodes[at]
	switch {
	case n.prior != none:
		r.nodes[n.prior].next = n.next
	case n.parent != none:
		r.nodes[n.parent].child = n.next
	}
	if n.next != none {
		r.nodes[n.next].prior = n.prior
	}
}

// settle follows the queued paths, earliest first, until none is left.
func (r *Reach) settle(g *Graph) {
	for len(r.queue) > 0 {
		p := r.queue.Pop()
		if r.nodes[p.At].from != p.Weight {
			continue // a better one came meanwhile
		}
		r.expand(g, p.At)
	}
}

// counts reports whether s passes on what this reach is about.
func (r *Reach) counts(s *Share) bool {
	return !s.Expired && (s.Type == All || s.Owner == r.origin) && s.Channel.Match(r.channel)
}

func (r *Reach) expand(g *Graph, at int32) {
	for s := range g.SharesOf(r.nodes[at].user) {
		if !r.counts(s) {
			continue
		}
		if s.Group == 0 {
			if g.Accepted(s.ID, s.User) {
				r.relax(g, at, s, s.User)
			}
			continue
		}
		for u := range g.Acceptances(s.ID) {
			r.relax(g, at, s, u)
		}
	}
}

// relax offers user the path that ends with s, which they have accepted, after the path to its owner at parent.
func (r *Reach) relax(g *Graph, parent int32, s *Share, user UserID) {
	from := max(r.nodes[parent].from, s.begin())
	at, old := r.slots[user]
	if old && r.nodes[at].from <= from {
		return
	}
	if from = max(from, s.start(g, user)); old && r.nodes[at].from <= from {
		return
	}
	if !old {
		if g.enabled(user) {
			r.add(reached{user: user, from: from, via: s.ID, parent: parent})
		}
		return
	}
	r.unlink(at)
	n := &r.nodes[at]
	n.from, n.via, n.parent = from, s.ID, parent
	r.link(at)
	r.queue.Push(frontier.End{Weight: from, At: at})
}

// begin is where the share starts, for a receiver who was there before it.
func (s *Share) begin() uint64 {
	if s.History == Full {
		return 0
	}
	return s.Created.Index
}

// start returns where the edge from the share's owner to one receiver starts.
func (s *Share) start(g *Graph, user UserID) uint64 {
	if s.Group == 0 || s.History == Full {
		return s.begin()
	}
	m, _ := g.Membership(s.Group, user)
	return max(s.begin(), m.Joined.Index)
}
