package graph

import (
	"iter"
	"maps"

	"hpfriends/graph/frontier"
)

// Sources is what one user may see on one channel: the origins that reach them, and from which log index on. It is the
// reach seen from its other end, and what a single reader of the log needs: it costs what the user has enabled and what
// those users have enabled in turn, however many others receive the same.
type Sources struct{ from map[UserID]uint64 }

// VisibleFrom is the log index from which on the user may see what origin publishes, as Reach.VisibleFrom has it. ok is
// false if they may not at all.
func (s Sources) VisibleFrom(origin UserID) (from uint64, ok bool) {
	from, ok = s.from[origin]
	return from, ok
}

// Len is the number of origins, the user included.
func (s Sources) Len() int { return len(s.from) }

// Origins yields the origins, in no order.
func (s Sources) Origins() iter.Seq[UserID] { return maps.Keys(s.from) }

// Sources computes what user may see on channel.
func (g *Graph) Sources(user UserID, channel string) Sources {
	return g.sources(user, func(p Pattern) bool { return p.Match(channel) })
}

// SourcesWithin bounds what user may see on the channels that begin with prefix: on none of them do they see an origin
// that is not among these, nor from an earlier index on. It takes shares of different channels for one way.
func (g *Graph) SourcesWithin(user UserID, prefix string) Sources {
	return g.sources(user, func(p Pattern) bool { return p.Meets(prefix) })
}

// sources is Dijkstra's algorithm from the receiver back to the origins, with max in place of plus. What a user shares
// as their own counts for them as the origin only, so the way back leads on through shares of type All.
func (g *Graph) sources(user UserID, match func(Pattern) bool) Sources {
	w := sourceSearch{g: g, match: match, from: make(map[UserID]uint64), through: make(map[UserID]uint64)}
	if g.enabled(user) {
		w.from[user], w.through[user] = 0, 0
		w.queue.Push(frontier.End{})
		w.users = append(w.users, user)
		w.follow()
	}
	return Sources{w.from}
}

// sourceSearch is one computation of Sources.
type sourceSearch struct {
	g       *Graph
	match   func(Pattern) bool
	from    map[UserID]uint64 // as an origin
	through map[UserID]uint64 // as one who passes on what others publish
	users   []UserID          // by End.At
	queue   frontier.Queue
}

func (w *sourceSearch) follow() {
	for len(w.queue) > 0 {
		p := w.queue.Pop()
		receiver := w.users[p.At]
		if w.through[receiver] != p.Weight {
			continue // a better path came meanwhile
		}
		for s := range w.g.AcceptedBy(receiver) {
			if !s.Expired && w.match(s.Channel) && w.g.enabled(s.Owner) {
				w.relax(s, max(p.Weight, s.start(w.g, receiver)))
			}
		}
	}
}

// relax takes a path into account that begins with s and is visible from from on.
func (w *sourceSearch) relax(s *Share, from uint64) {
	if old, ok := w.from[s.Owner]; !ok || from < old {
		w.from[s.Owner] = from
	}
	if s.Type != All {
		return
	}
	if old, ok := w.through[s.Owner]; ok && old <= from {
		return
	}
	w.through[s.Owner] = from
	w.users = append(w.users, s.Owner)
	w.queue.Push(frontier.End{Weight: from, At: int32(len(w.users) - 1)})
}
