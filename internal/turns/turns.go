// Package turns shares a small number of workers among users: each user has a queue, and the queues take turns, so that
// somebody with a thousand questions gets as much of the node as somebody with one.
//
// # Invariant
//
// At any time at most so many turns are taken as there are workers, and of them at most so many by one user as New was
// told. Nobody waits while a worker is free that he may have.
//
// # Concurrency
//
// Every method may be called from any goroutine. Who has a turn must not wait for another one, nor write to a peer.
package turns

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Turns says who may work now.
type Turns[User comparable] struct {
	each   int
	before func(last, a, b User) bool // nil: who has waited for longest goes first

	mu     sync.Mutex
	last   User // who has begun a turn
	free   int
	taken  map[User]int
	queues map[User][]chan struct{}
	users  []User // with a queue, the next in front
}

// length is how long a turn lasts when somebody waits.
const length = time.Millisecond

// New returns the turns of some workers, of which one user has at most each at a time.
func New[User comparable](workers, each int) *Turns[User] {
	return &Turns[User]{
		each: each, free: workers, taken: make(map[User]int), queues: make(map[User][]chan struct{}),
	}
}

// NewRanked is New for users of whom some go before others, however long these have waited: before reports whether a
// goes before b, when last was who began a turn. It is called while a turn is given: it must be quick, and not ask the
// Turns.
func NewRanked[User comparable](workers, each int, before func(last, a, b User) bool) *Turns[User] {
	t := New[User](workers, each)
	t.before = before
	return t
}

// Take waits for a turn, or for ctx to be done, whose error it returns.
func (t *Turns[User]) Take(ctx context.Context, u User) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	t.mu.Lock()
	if t.free > 0 && t.taken[u] < t.each {
		t.begin(u)
		t.mu.Unlock()
		return nil
	}
	mine := make(chan struct{})
	if len(t.queues[u]) == 0 {
		t.users = append(t.users, u)
	}
	t.queues[u] = append(t.queues[u], mine)
	t.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	if !t.leave(u, mine) {
		t.Give(u) // it came at the same time
	}
	return context.Cause(ctx)
}

// leave takes somebody who waits out of the queue. It is false if it is their turn.
func (t *Turns[User]) leave(u User, mine chan struct{}) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(t.queues[u], mine)
	if i < 0 {
		return false
	}
	t.queues[u] = slices.Delete(t.queues[u], i, i+1)
	if len(t.queues[u]) == 0 {
		delete(t.queues, u)
		t.users = slices.DeleteFunc(t.users, func(o User) bool { return o == u })
	}
	return true
}

// Give ends a turn.
func (t *Turns[User]) Give(u User) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free++
	if t.taken[u]--; t.taken[u] == 0 {
		delete(t.taken, u)
	}
	i := t.next()
	if i < 0 {
		return
	}
	u = t.users[i]
	t.users = slices.Delete(t.users, i, i+1)
	t.begin(u)
	q := t.queues[u]
	close(q[0])
	if len(q) == 1 {
		delete(t.queues, u)
		return
	}
	t.queues[u] = q[1:]
	t.users = append(t.users, u)
}

// begin gives somebody a free worker. The caller holds mu.
func (t *Turns[User]) begin(u User) {
	t.free--
	t.taken[u]++
	t.last = u
}

// next is whose turn it is, of users; -1: nobody's. The caller holds mu.
func (t *Turns[User]) next() int {
	first := slices.IndexFunc(t.users, func(u User) bool { return t.taken[u] < t.each })
	if first < 0 || t.before == nil {
		return first
	}
	for i := first + 1; i < len(t.users); i++ {
		if u := t.users[i]; t.taken[u] < t.each && t.before(t.last, u, t.users[first]) {
			first = i
		}
	}
	return first
}

// Over reports whether a turn that began then ends, because somebody waits.
func (t *Turns[User]) Over(began time.Time) bool { return time.Since(began) >= length && t.Crowded() }

// Crowded reports whether somebody waits.
func (t *Turns[User]) Crowded() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.users) > 0
}
