package raftfsm

import (
	"net/netip"
	"sync"
)

// Window is how much of one connection may be uncommitted, in bytes of frames. A connection that reaches it is not read
// further: TCP holds its publisher back. A single larger frame passes when nothing else of it is uncommitted.
const Window = 1 << 20

// Source is one publishing connection: who it is, and how much of what it published is committed.
type Source struct {
	Authkey, Origin uint64
	Remote          netip.Addr

	mu          sync.Mutex
	uncommitted int
	committed   uint64        // messages, cumulative
	progress    chan struct{} // closed and replaced at each commit; nil while nobody waits
}

// Progress returns how many messages of this connection are committed and durable, and a channel that is closed when
// there are more.
func (s *Source) Progress() (uint64, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.committed, s.waiter()
}

func (s *Source) waiter() <-chan struct{} {
	if s.progress == nil {
		s.progress = make(chan struct{})
	}
	return s.progress
}

// reserve takes size bytes of the window, or returns a channel to wait on.
func (s *Source) reserve(size int) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.uncommitted > 0 && s.uncommitted+size > Window {
		return s.waiter()
	}
	s.uncommitted += size
	return nil
}

// release gives size bytes back, of which count messages were committed.
func (s *Source) release(size, count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uncommitted -= size
	s.committed += uint64(count)
	if s.progress != nil {
		close(s.progress)
		s.progress = nil
	}
}
