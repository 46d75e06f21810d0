package wire

import (
	"context"
	"sync"
	"time"
)

// frameMemory is what frames that are larger than loadBuffer may hold in memory, all sessions together. Each is counted
// as a whole when as much as that has come of it: what is announced costs nothing. A party, which is all sessions of a
// user, may hold as much as it leaves to others: so one takes half of what there is, and a second one half of the rest.
// Who gets nothing is not read of until others have finished, or for frameWait.
type frameMemory struct {
	most int64

	mu      sync.Mutex
	used    int64
	parties map[uint64]int64
	waiting int
	freed   chan struct{} // closed and replaced when some is given back
}

// frameWait is how long a frame waits for memory. Then its connection ends, with the small part of the frame that it
// holds: so those who wait for each other end, too.
const frameWait = 30 * time.Second

// defaultFrameMemory is Config.FrameMemory when it is not set; leastFrames of the largest fit into any.
const (
	defaultFrameMemory = 256 << 20
	leastFrames        = 4
)

func newFrameMemory(c Config) *frameMemory {
	most := max(c.FrameMemory, leastFrames*int64(c.Limits.MaxPayload))
	return &frameMemory{most: most, parties: make(map[uint64]int64), freed: make(chan struct{})}
}

// try takes n bytes for a party. wait is nil, or closed when it is worth another try.
func (m *frameMemory) try(party uint64, n int64) (wait <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if held := m.parties[party]; held+n > m.most-m.used-n && held > 0 || m.used+n > m.most && m.used > 0 {
		return m.freed
	}
	m.used += n
	m.parties[party] += n
	return nil
}

// take waits for n bytes.
func (m *frameMemory) take(ctx context.Context, party uint64, n int64) error {
	for {
		wait := m.try(party, n)
		if wait == nil {
			return nil
		}
		m.wait(+1)
		select {
		case <-wait:
			m.wait(-1)
		case <-ctx.Done():
			m.wait(-1)
			return context.Cause(ctx)
		}
	}
}

func (m *frameMemory) wait(by int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting += by
}

// short reports whether somebody waits.
func (m *frameMemory) short() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.waiting > 0
}

// give gives n bytes back.
func (m *frameMemory) give(party uint64, n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used -= n
	if m.parties[party] -= n; m.parties[party] == 0 {
		delete(m.parties, party)
	}
	if m.waiting > 0 {
		close(m.freed)
		m.freed = make(chan struct{})
	}
}

// holdFrame takes the memory for a frame of need bytes, or gives back what is not needed any more. done
// says that a frame has been handled: then others who wait go first.
func (s *Session) holdFrame(need int, done bool) error {
	r, m := &s.reader, s.server.frames
	if r.held == 0 && need <= loadBuffer {
		return nil
	}
	if done && m.short() {
		r.in.shrink()
	}
	want := int64(0)
	if len(r.in.buf) > loadBuffer || need > loadBuffer && len(r.in.buffered()) >= loadBuffer {
		want = int64(max(need, len(r.in.buf)))
	}
	if want <= r.held {
		m.give(s.reader.party, r.held-want)
		r.held = want
		return nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, frameWait)
	defer cancel()
	if err := m.take(ctx, s.reader.party, want-r.held); err != nil {
		if s.ctx.Err() != nil {
			return closeSilently
		}
		return s.refuse(Refusal{Reason: ReasonTimeout, Ident: s.Ident()},
			"No memory for so large a message, try again later.")
	}
	r.held = want
	return nil
}

// releaseFrame gives all back.
func (s *Session) releaseFrame() {
	s.server.frames.give(s.reader.party, s.reader.held)
	s.reader.held = 0
}
