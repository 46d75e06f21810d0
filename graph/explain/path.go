package explain

import (
	"hpfriends/graph"
	"hpfriends/graph/frontier"
)

// Path is the best path from the origin of a reach to a user in it, in the graph that the reach is of. It is empty for
// the origin and for a user who is not in it.
func Path(g *graph.Graph, r *graph.Reach, user graph.UserID) []Hop {
	var path []Hop
	for _, e := range r.Path(user) {
		s, _ := g.Share(e.Share)
		h := hopOf(g, s, e.Receiver)
		h.OK = true
		path = append(path, h)
	}
	return path
}

func hopOf(g *graph.Graph, s *graph.Share, receiver graph.UserID) Hop {
	return Hop{
		Share: s.ID, Owner: s.Owner, Receiver: receiver, Group: s.Group, Type: s.Type, History: s.History,
		Accepted: g.Accepted(s.ID, receiver), Expired: s.Expired,
	}
}

// nearestPath is the path from origin to a user outside its reach r on which the fewest conditions are not met, and of
// those the shortest; nil if no shares lead there at all.
//
// It is searched backwards, from the user to anybody in the reach, since from there on nothing is lacking. Shares with
// a group lead to each of its members, but only the first member met needs to be asked for those that they have not
// enabled: for a member who is further away these lack no less.
func nearestPath(g *graph.Graph, r *graph.Reach, origin, user graph.UserID) []Hop {
	b := nearestSearch{
		graph: g, reach: r, origin: origin, byUser: make(map[graph.UserID]int32), asked: make(map[graph.GroupID]bool),
	}
	b.add(step{user: user})
	for len(b.queue) > 0 {
		p := b.queue.Pop()
		s := &b.steps[p.At]
		if s.done || s.weight() != p.Weight {
			continue
		}
		s.done = true
		if s.user == origin || r.Has(s.user) {
			return b.path(*s, user)
		}
		b.expand(p.At)
	}
	return nil
}

// nearestSearch is the state of a search from the receiver towards the origin of a reach.
type nearestSearch struct {
	graph  *graph.Graph
	reach  *graph.Reach
	origin graph.UserID
	steps  []step
	byUser map[graph.UserID]int32 // -> steps
	asked  map[graph.GroupID]bool
	queue  frontier.Queue
}

// step is the first hop from a user towards the receiver, and what the whole way from there lacks.
type step struct {
	user  graph.UserID
	share *graph.Share
	to    int32 // the step of the share's receiver
	lacks uint32
	hops  uint32
	done  bool
}

func (s *step) weight() uint64 { return uint64(s.lacks)<<32 | uint64(s.hops) }

func (b *nearestSearch) add(s step) {
	at, ok := b.byUser[s.user]
	if ok {
		b.steps[at] = s
	} else {
		at = int32(len(b.steps))
		b.steps = append(b.steps, s)
		b.byUser[s.user] = at
	}
	b.queue.Push(frontier.End{Weight: s.weight(), At: at})
}

func (b *nearestSearch) expand(at int32) {
	user := b.steps[at].user
	for s := range b.graph.AcceptedBy(user) {
		b.offer(s, at)
	}
	for s := range b.graph.SharesToUser(user) {
		b.offer(s, at)
	}
	for m := range b.graph.GroupsOf(user) {
		if b.asked[m.Group] {
			continue
		}
		b.asked[m.Group] = true
		for s := range b.graph.SharesTo(m.Group) {
			b.offer(s, at)
		}
	}
}

// offer notes that s leads from its owner to the receiver at to, if that is the best way on from the owner.
func (b *nearestSearch) offer(s *graph.Share, to int32) {
	if !s.Channel.Match(b.reach.Channel()) {
		return
	}
	n := step{user: s.Owner, share: s, to: to, lacks: b.steps[to].lacks, hops: b.steps[to].hops + 1}
	n.lacks += b.lacks(s, b.steps[to].user)
	if s.Owner != b.origin && !enabled(b.graph, s.Owner) {
		n.lacks++
	}
	if old, known := b.byUser[s.Owner]; !known || !b.steps[old].done && n.weight() < b.steps[old].weight() {
		b.add(n)
	}
}

// lacks counts what keeps s from passing on to a receiver, except that they are disabled.
func (b *nearestSearch) lacks(s *graph.Share, receiver graph.UserID) (n uint32) {
	passesOn := s.Type == graph.All || s.Owner == b.origin
	for _, lacking := range []bool{s.Expired, !passesOn, !b.graph.Accepted(s.ID, receiver)} {
		if lacking {
			n++
		}
	}
	return n
}

// path goes from the origin by the reach to the user where the search met it, and on to the user by the steps.
func (b *nearestSearch) path(at step, user graph.UserID) []Hop {
	var path []Hop
	if b.reach.Has(at.user) {
		path = Path(b.graph, b.reach, at.user)
	}
	for at.user != user {
		next := b.steps[at.to]
		h := hopOf(b.graph, at.share, next.user)
		h.OK = b.lacks(at.share, next.user) == 0 && (next.user == user || enabled(b.graph, next.user))
		path = append(path, h)
		at = next
	}
	return path
}
