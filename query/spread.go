package query

import "hpfriends/graph"

// spread is whom one user's messages reach on the channels of a pattern: for each user, on which parts of it. Two
// patterns that have a channel in common cover one another, so each part is a pattern, too.
type spread struct {
	graph  *graph.Graph
	origin graph.UserID
	parts  map[graph.UserID][]graph.Pattern
	queue  []spreadStep
	edges  int // that were looked at
}

type spreadStep struct {
	user graph.UserID
	part graph.Pattern
}

// maxSpread bounds the edges that one spread looks at.
const maxSpread = 200_000

func newSpread(g *graph.Graph, origin graph.UserID, pattern graph.Pattern) *spread {
	s := &spread{graph: g, origin: origin, parts: make(map[graph.UserID][]graph.Pattern)}
	s.add(origin, pattern)
	s.follow()
	return s
}

// add notes that a user receives a part.
func (s *spread) add(user graph.UserID, part graph.Pattern) {
	if u, ok := s.graph.User(user); !ok || !u.Enabled || s.receives(user, part) {
		return
	}
	s.parts[user] = append(s.parts[user], part)
	s.queue = append(s.queue, spreadStep{user, part})
}

// receives reports whether a user receives all of a part.
func (s *spread) receives(user graph.UserID, part graph.Pattern) bool {
	for _, p := range s.parts[user] {
		if p.Covers(part) {
			return true
		}
	}
	return false
}

// follow adds whom the shares of those who receive something reach.
func (s *spread) follow() {
	for len(s.queue) > 0 && s.edges < maxSpread {
		at := s.queue[len(s.queue)-1]
		s.queue = s.queue[:len(s.queue)-1]
		for share := range s.graph.SharesOf(at.user) {
			s.edges++
			part, ok := common(share.Channel, at.part)
			if !ok || share.Expired || share.Type != graph.All && share.Owner != s.origin {
				continue
			}
			if share.Group == 0 {
				if s.graph.Accepted(share.ID, share.User) {
					s.add(share.User, part)
				}
				continue
			}
			for u := range s.graph.Acceptances(share.ID) {
				s.edges++
				s.add(u, part)
			}
		}
	}
}

// gaveUp reports whether there was too much to look at.
func (s *spread) gaveUp() bool { return len(s.queue) > 0 }

// common is the pattern of the channels that both select, if there are any.
func common(p, q graph.Pattern) (graph.Pattern, bool) {
	switch {
	case p.Covers(q):
		return q, true
	case q.Covers(p):
		return p, true
	}
	return "", false
}
