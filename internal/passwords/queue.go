package passwords

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"hpfriends/internal/crowd"
)

// Claim is what somebody brings who wants a password hashed.
type Claim struct {
	Known   bool // somebody who has proved before who they are: they go first
	Account string
	Address netip.Prefix
}

// ErrBusy is returned when too many wait already. It passes within seconds.
var ErrBusy = errors.New("passwords: too many passwords wait to be checked")

const (
	mostKnown      = 64
	mostStrangers  = 32
	mostPerAccount = 4 // strangers, so that guesses at one account leave the others their turn
	mostPerAddress = 4
)

// asking is what a stranger's claim counts, as if it were time of hashing, even if it is refused: of two whom nothing
// was hashed for, the one who asks again and again goes last.
const asking = 100 * time.Millisecond

type claimKey struct{}

// WithClaim returns a context whose owner waits as c. Without it they are known.
func WithClaim(ctx context.Context, c Claim) context.Context {
	return context.WithValue(ctx, claimKey{}, c)
}

// queue lets some hash at a time, and others wait: who is known goes first, and of the strangers the one whose site and
// address have had the least of late. A stranger for whom there is no room takes the place of one who goes after them.
type queue struct {
	mu        sync.Mutex
	free      int
	known     []*waiter    // in the order in which they came
	strangers []*waiter    // the same
	had       crowd.Ledger // of strangers
}

type waiter struct {
	Claim
	told chan error // once: nil is that its turn has come
}

// take waits for a turn, which give ends. Errors are ErrBusy and ctx's.
func (q *queue) take(ctx context.Context) (give func(), err error) {
	c, ok := ctx.Value(claimKey{}).(Claim)
	c.Known = c.Known || !ok
	w := &waiter{c, make(chan error, 1)}
	q.mu.Lock()
	switch {
	case q.free > 0:
		q.free--
		w.told <- nil
	case !q.enter(w):
		w.told <- ErrBusy
	}
	q.mu.Unlock()
	select {
	case err = <-w.told:
	case <-ctx.Done():
		q.leave(w)
		err = ctx.Err()
	}
	began := time.Now()
	return func() { q.give(c, time.Since(began)) }, err
}

// enter lets w wait, if there is room or somebody to make it. The caller holds mu.
func (q *queue) enter(w *waiter) bool {
	if w.Known {
		if len(q.known) == mostKnown {
			return false
		}
		q.known = append(q.known, w)
		return true
	}
	q.had.Add(w.Address, asking, time.Now())
	var crowded []*waiter // of these there may be no more
	if same := q.alike(func(o *waiter) bool { return o.Address == w.Address }); len(same) == mostPerAddress {
		crowded = same
	} else if same = q.alike(func(o *waiter) bool { return o.Account == w.Account }); len(same) == mostPerAccount {
		crowded = same
	} else if len(q.strangers) == mostStrangers {
		crowded = q.strangers
	}
	if crowded != nil {
		last := slices.MaxFunc(crowded, q.compare)
		if q.compare(w, last) >= 0 {
			return false
		}
		q.remove(last)
		last.told <- ErrBusy
	}
	q.strangers = append(q.strangers, w)
	return true
}

// alike are the strangers that wait of whom is true.
func (q *queue) alike(is func(*waiter) bool) (all []*waiter) {
	for _, w := range q.strangers {
		if is(w) {
			all = append(all, w)
		}
	}
	return all
}

// compare is negative where a stranger goes before another one.
func (q *queue) compare(a, b *waiter) int {
	switch {
	case q.had.Before(a.Address, b.Address):
		return -1
	case q.had.Before(b.Address, a.Address):
		return 1
	}
	return 0
}

// remove takes somebody out of those who wait, and reports whether they did. The caller holds mu.
func (q *queue) remove(w *waiter) bool {
	before := len(q.known) + len(q.strangers)
	is := func(o *waiter) bool { return o == w }
	q.known, q.strangers = slices.DeleteFunc(q.known, is), slices.DeleteFunc(q.strangers, is)
	return len(q.known)+len(q.strangers) < before
}

// leave is for who waits no longer. A turn that has come at the same moment is handed on.
func (q *queue) leave(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.remove(w) && <-w.told == nil {
		q.next()
	}
}

// give ends a turn that has taken so long.
func (q *queue) give(c Claim, took time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !c.Known {
		q.had.Add(c.Address, took, time.Now())
	}
	q.next()
}

// next hands a turn on. The caller holds mu.
func (q *queue) next() {
	var w *waiter
	switch {
	case len(q.known) > 0:
		w = q.known[0]
	case len(q.strangers) > 0:
		w = slices.MinFunc(q.strangers, q.compare)
	default:
		q.free++
		return
	}
	q.remove(w)
	w.told <- nil
}
