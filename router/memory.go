package router

import (
	"slices"
	"sync/atomic"
)

// memory is what the subscribers of a node may hold on to together: one half of it what is queued, the other what has
// been taken to be written, which nobody can take back from a peer that does not read.
type memory struct {
	bytes    int64
	least    int64        // of a portion
	queued   atomic.Int64 // charged to outboxes
	inHand   atomic.Int64 // taken off them, or read from the log, and not with the kernel yet
	relieved atomic.Uint64
}

// leastPortion is what a writer gets when there is nothing left: with it any number of connections makes progress.
const leastPortion = 32 << 10

func newMemory(bytes int64) memory { return memory{bytes: bytes, least: leastPortion} }

// portion is how much a writer takes at a time. The less is left, the less it is, so that the half is approached and
// not passed, but for leastPortion a connection.
func (m *memory) portion() int {
	return int(min(max((m.bytes/2-m.inHand.Load())/8, m.least), sendBytes))
}

// short reports whether nobody may hold on to more than what he writes. Then everybody reads the log.
func (m *memory) short() bool { return m.portion() < flushBytes }

// relieve gives the log back what is queued for those who hold the most, when it is too much. The caller holds mu.
func (r *Router) relieve() {
	if r.memory.queued.Load() <= r.memory.bytes/2 {
		return
	}
	type charge struct {
		s     *Subscriber
		bytes int
	}
	var all []charge
	r.table.each(func(s *Subscriber) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.charged > 0 {
			all = append(all, charge{s, s.charged})
		}
	})
	slices.SortFunc(all, func(a, b charge) int { return b.bytes - a.bytes })
	for _, c := range all {
		if r.memory.queued.Load() <= r.memory.bytes/4 {
			return
		}
		r.memory.relieved.Add(1)
		c.s.takeBack()
	}
}

// Memory says how many bytes are queued and in hand, and how often a subscriber was sent back to the log for the sake
// of the others.
func (r *Router) Memory() (queued, inHand int64, relieved uint64) {
	return r.memory.queued.Load(), r.memory.inHand.Load(), r.memory.relieved.Load()
}
