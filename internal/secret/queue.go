package secret

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
)

// Claim is what somebody brings who wants a password hashed.
type Claim struct {
	Known   bool // somebody who has proved before who they are: they go first
	Account string
	Address netip.Prefix
}

// ErrBusy is returned when too many wait already. It passes within seconds.
var ErrBusy = errors.New("secret: too many passwords wait to be checked")

const (
	mostKnown      = 64
	mostStrangers  = 32
	mostPerAccount = 4 // strangers, so that guesses at one account leave the others their turn
	mostPerAddress = 4
)

type claimKey struct{}

// WithClaim returns a context whose owner waits as c. Without it they are known.
func WithClaim(ctx context.Context, c Claim) context.Context {
	return context.WithValue(ctx, claimKey{}, c)
}

// queue lets some hash at a time, and others wait: who is known goes first, and strangers in the order in which they
// came.
type queue struct {
	mu        sync.Mutex
	free      int
	known     []*waiter
	strangers []*waiter
}

type waiter struct {
	Claim
	turn chan struct{} // closed when it is
}

// take waits for a turn. The caller calls give. Errors are ErrBusy and ctx's.
func (q *queue) take(ctx context.Context) error {
	c, ok := ctx.Value(claimKey{}).(Claim)
	w := &waiter{c, make(chan struct{})}
	w.Known = w.Known || !ok
	q.mu.Lock()
	if q.free > 0 {
		q.free--
		q.mu.Unlock()
		return nil
	}
	if !q.room(w) {
		q.mu.Unlock()
		return ErrBusy
	}
	line := q.line(w)
	*line = append(*line, w)
	q.mu.Unlock()
	select {
	case <-w.turn:
		return nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(*line, w); i >= 0 {
		*line = slices.Delete(*line, i, i+1)
	} else {
		q.next() // its turn came at the same moment
	}
	return ctx.Err()
}

func (q *queue) line(w *waiter) *[]*waiter {
	if w.Known {
		return &q.known
	}
	return &q.strangers
}

// room reports whether w may wait. The caller holds mu.
func (q *queue) room(w *waiter) bool {
	if w.Known {
		return len(q.known) < mostKnown
	}
	account, address := 0, 0
	for _, other := range q.strangers {
		if other.Account == w.Account {
			account++
		}
		if other.Address == w.Address {
			address++
		}
	}
	return len(q.strangers) < mostStrangers && account < mostPerAccount && address < mostPerAddress
}

// give ends a turn.
func (q *queue) give() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.next()
}

// next hands a turn on. The caller holds mu.
func (q *queue) next() {
	for _, line := range []*[]*waiter{&q.known, &q.strangers} {
		if len(*line) > 0 {
			close((*line)[0].turn)
			*line = (*line)[1:]
			return
		}
	}
	q.free++
}
