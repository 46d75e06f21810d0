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
	mine := t.enqueue(u)
	t.mu.Unlock()
	<-mine
}

// enqueue is for holders of mu.
func (t *turns) enqueue(u graph.UserID) chan struct{} {
	mine := make(chan struct{})
	if len(t.queues[u]) == 0 {
		t.users = append(t.users, u)
	}
	t.queues[u] = append(t.queues[u], mine)
	return mine
}

// give ends a turn.
func (t *turns) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.users) == 0 {
		t.free++
		return
	}
	t.next()
}

// next hands a turn on. The caller holds mu, and somebody waits.
func (t *turns) next() {
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

// pass ends a turn that began long enough ago, if somebody waits, and takes another. It returns when the turn at hand
// began.
func (t *turns) pass(u graph.UserID, began time.Time) time.Time {
	now := time.Now()
	if now.Sub(began) < turnTime {
		return began
	}
	t.mu.Lock()
	if len(t.users) == 0 {
		t.mu.Unlock()
		return now
	}
	mine := t.enqueue(u)
	t.next()
	t.mu.Unlock()
	<-mine
	return time.Now()
}
