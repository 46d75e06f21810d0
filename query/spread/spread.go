// Package spread says whom the shares of a pattern reach. It is pure.
package spread

import "hpfriends/graph"

// Spread is whom one user's messages reach on the channels of a pattern: for each user, on which parts of it. Two
// patterns that have a channel in common cover one another, so each part is a pattern, too.
type Spread struct {
	graph  *graph.Graph
	origin graph.UserID
	Parts  map[graph.UserID][]graph.Pattern
	queue  []step
	edges  int // that were looked at
}

type step struct {
	user graph.UserID
	part graph.Pattern
}

// maxEdges bounds the edges that one spread looks at.
const maxEdges = 200_000

// New follows the shares of what origin publishes on the channels of a pattern.
func New(g *graph.Graph, origin graph.UserID, pattern graph.Pattern) *Spread {
	s := &Spread{graph: g, origin: origin, Parts: make(map[graph.UserID][]graph.Pattern)}
	s.Add(origin, pattern)
	s.Follow()
	return s
}

// Add notes that a user receives a part.
func (s *Spread) Add(user graph.UserID, part graph.Pattern) {
	if u, ok := s.graph.User(user); !ok || !u.Enabled || s.Receives(user, part) {
		return
	}
	s.Parts[user] = append(s.Parts[user], part)
	s.queue = append(s.queue, step{user, part})
}

// Receives reports whether a user receives all of a part.
func (s *Spread) Receives(user graph.UserID, part graph.Pattern) bool {
	for _, p := range s.Parts[user] {
		if p.Covers(part) {
			return true
		}
	}
	return false
}

// Follow adds whom the shares of those who receive something reach.
func (s *Spread) Follow() {
	for len(s.queue) > 0 && s.edges < maxEdges {
		at := s.queue[len(s.queue)-1]
		s.queue = s.queue[:len(s.queue)-1]
		for share := range s.graph.SharesOf(at.user) {
			s.edges++
			part, ok := Common(share.Channel, at.part)
			if !ok || share.Expired || share.Type != graph.All && share.Owner != s.origin {
				continue
			}
			if share.Group == 0 {
				if s.graph.Accepted(share.ID, share.User) {
					s.Add(share.User, part)
				}
				continue
			}
			for u := range s.graph.Acceptances(share.ID) {
				s.edges++
				s.Add(u, part)
			}
		}
	}
}

// GaveUp reports whether there was too much to look at.
func (s *Spread) GaveUp() bool { return len(s.queue) > 0 }

// Common is the pattern of the channels that both select, if there are any.
func Common(p, q graph.Pattern) (graph.Pattern, bool) {
	switch {
	case p.Covers(q):
		return q, true
	case q.Covers(p):
		return p, true
	}
	return "", false
}
