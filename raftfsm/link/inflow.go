package link

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// What one member may have under way: calls it starts, calls that are handled for it, and the bytes of their requests.
// A call that was given up may still be ending there, hence the difference.
const (
	maxCalls   = 64
	maxHandled = 2 * maxCalls
	maxInflow  = 2 * MaxRequest
	// inflowWait is how long a request waits for room, unread: TCP holds the member back. It is bounded, since what is
	// behind it on the connection, and its end, are not read either.
	inflowWait = 5 * time.Second
)

// inflow holds the budget of each member.
type inflow struct {
	mu    sync.Mutex
	peers map[string]*budget
}

func (f *inflow) of(peer string) *budget {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.peers == nil {
		f.peers = make(map[string]*budget)
	}
	if f.peers[peer] == nil {
		f.peers[peer] = &budget{calls: maxHandled, bytes: maxInflow}
	}
	return f.peers[peer]
}

// budget is what is left of the bounds.
type budget struct {
	mu    sync.Mutex
	calls int
	bytes int
	freed chan struct{} // closed and replaced when something comes back; nil while nobody waits
}

// take makes room for a request of so many bytes. When there is none, for the number of calls at once, for the bytes
// after a while, the error is ErrNotDone.
func (b *budget) take(ctx context.Context, bytes int) error {
	ctx, cancel := context.WithTimeout(ctx, inflowWait)
	defer cancel()
	for {
		b.mu.Lock()
		if b.calls == 0 {
			b.mu.Unlock()
			return fmt.Errorf("%w: %d calls of this member are under way", ErrNotDone, maxHandled)
		}
		if b.bytes >= bytes {
			b.calls--
			b.bytes -= bytes
			b.mu.Unlock()
			return nil
		}
		if b.freed == nil {
			b.freed = make(chan struct{})
		}
		freed := b.freed
		b.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return fmt.Errorf("%w: calls of this member take %d bytes", ErrNotDone, maxInflow)
		}
	}
}

// give returns what take took.
func (b *budget) give(bytes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	b.bytes += bytes
	if b.freed != nil {
		close(b.freed)
		b.freed = nil
	}
}
