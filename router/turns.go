package router

import (
	"sync"
	"time"

	"hpfriends/graph"
)

// turns says who of those that read the log may do so now: few at a time, and users in turn, so that somebody with a
// thousand readers gets as much of the node as somebody with one. Nobody writes to his peer in his turn.
type turns struct {
	mu     sync.Mutex
	free   int
	queues map[graph.UserID][]chan struct{}
	users  []graph.UserID // with a queue, the next in front
}

// turnTime is how long a turn lasts when somebody waits.
const turnTime = time.Millisecond

func newTurns(n int) *turns { return &turns{free: n, queues: make(map[graph.UserID][]chan struct{})} }

// take waits for a turn.
func (t *turns) take(u graph.UserID) {
	t.mu.Lock()
	if t.free > 0 {
		t.free--
		t.mu.Unlock()
		return
	}
	mine := make(chan struct{})
	if len(t.queues[u]) == 0 {
		t.users = append(t.users, u)
	}
	t.queues[u] = append(t.queues[u], mine)
	t.mu.Unlock()
	<-mine
}

// give ends a turn.
func (t *turns) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.users) == 0 {
		t.free++
		return
	}
	u := t.users[0]
	t.users = t.users[1:]
	q := t.queues[u]
	close(q[0])
	if len(q) == 1 {
		delete(t.queues, u)
		return
	}
	t.queues[u] = q[1:]
	t.users = append(t.users, u)
}

// over reports whether a turn that began then ends, because somebody waits.
func (t *turns) over(began time.Time) bool { return time.Since(began) >= turnTime && t.crowded() }

// crowded reports whether somebody waits.
func (t *turns) crowded() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.users) > 0
}
