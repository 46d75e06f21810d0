package link

import (
	"context"
	"sync"
)

// lifetime ends a port's goroutines and waits for them.
type lifetime struct {
	ctx   context.Context
	stop  context.CancelFunc
	mu    sync.Mutex // of begin against end
	loops sync.WaitGroup
}

func (l *lifetime) start() { l.ctx, l.stop = context.WithCancel(context.Background()) }

// begin counts a goroutine that is started from outside the port's own, which may count theirs without asking; it says
// no once the port is closed.
func (l *lifetime) begin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx.Err() != nil {
		return false
	}
	l.loops.Add(1)
	return true
}

// end lets nothing begin any more. The caller waits for loops.
func (l *lifetime) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stop()
}
