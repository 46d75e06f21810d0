package survey

import "time"

// A follower can hear its leader and get no entries from it: to the others it looks well, and it holds nothing of what
// it votes over. In hashicorp/raft replication and heartbeats are goroutines of their own, and the first can be stuck
// for as long as this leader leads (hashicorp/raft#612, and errors that replication retries in silence). So a leader
// looks what its members have, and hands over when one starves.
const (
	starvesAfter = 10 // rounds of the reconciler in which a member that misses entries got none
	// MinTenure is for how many rounds a leader leads before it goes for that: a member that nobody can feed, or a very
	// large request over a slow link, must not make leadership go round.
	MinTenure = 60
	// freshContact is how lately a starving member has heard its leader. One that did not is cut off, which is another
	// case.
	freshContact = 2 * time.Second
)

// Starvation is what a leader has seen of its members, round by round. It belongs to the reconciler.
type Starvation struct {
	Led    int
	newest uint64 // entry in the leader's own log
	seen   map[string]progress
}

// progress is what one member has.
type progress struct {
	last   uint64
	rounds int // without anything new, though there was
}

// Observe takes one round's survey by the leader, and returns the members that starve.
func (s *Starvation) Observe(leader string, all []Member) (starving []string) {
	next := make(map[string]progress)
	before := s.newest
	s.Led++
	for _, m := range all {
		if m.ID == leader {
			s.newest = m.Report.Last
			continue
		}
		if m.Err != nil || m.Report.Leader != leader || m.Report.LastContact > freshContact || m.Report.Full {
			continue
		}
		r := progress{last: m.Report.Last}
		if old, known := s.seen[m.ID]; known && r.last == old.last && r.last < before {
			r.rounds = old.rounds + 1
		}
		next[m.ID] = r
		if r.rounds >= starvesAfter {
			starving = append(starving, m.ID)
		}
	}
	s.seen = next
	return starving
}
