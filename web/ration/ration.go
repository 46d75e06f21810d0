// Package ration lets each user ask for a few things at a time. Who asks for more waits for their own, so that no user
// takes the processors from the others by asking for what is dear (a page as of last year, who could read a channel, a
// search, a thousand times at once), nor the memory by asking for what is large and not taking it.
//
// # Invariant
//
// A user has at most so many turns of each kind. Nobody waits for another user, and nobody for a turn of their own that
// goes on above them: a page that asks the API has its turn already.
//
// # Concurrency
//
// Every method may be called from any goroutine.
package ration

import (
	"context"
	"math"

	"hpfriends/graph"
	"hpfriends/internal/turns"
	"hpfriends/web/who"
)

// How many things of a kind one user may do at a time.
const (
	Each      = 4 // questions, until the answer is taken
	EachFile  = 4 // answers that take as long as their reader does
	EachWait  = 64
	EachEvent = 4 // of live streams that are being made and taken
)

// Rations are the turns of all users of a node.
type Rations struct {
	Questions, Files, Waits, Events Ration
}

// New returns Rations of which nothing is taken.
func New() *Rations {
	of := func(each int) Ration { return Ration{turns.New[graph.UserID](math.MaxInt, each)} }
	return &Rations{of(Each), of(EachFile), of(EachWait), of(EachEvent)}
}

// Ration is the turns of one kind.
type Ration struct{ turns *turns.Turns[graph.UserID] }

// taken is the key of a context in which a turn of that kind goes on.
type taken Ration

// Take waits for a turn of who asks in ctx, or for ctx to be done, whose error it returns. What is done in the turn is
// done with the context that it returns, and end ends it. The operator does not wait.
func (r Ration) Take(ctx context.Context) (in context.Context, end func(), err error) {
	a := who.Actor(ctx)
	if a.User == 0 || a.Operator || ctx.Value(taken(r)) != nil {
		return ctx, func() {}, nil
	}
	if err := r.turns.Take(ctx, a.User); err != nil {
		return ctx, nil, err
	}
	return context.WithValue(ctx, taken(r), true), func() { r.turns.Give(a.User) }, nil
}

// request is what ends with a request on a socket.
type request struct {
	leave func()
	ends  []func()
}

type requestKey struct{}

// Begin begins a request, whose seat among all that are under way leave gives back. end ends what it has taken.
func Begin(ctx context.Context, leave func()) (in context.Context, end func()) {
	r := &request{leave: leave}
	return context.WithValue(ctx, requestKey{}, r), func() {
		for _, end := range r.ends {
			end()
		}
	}
}

// Last has a turn last until its request is answered; outside of one it ends at once. It is for the goroutine of the
// request.
func Last(ctx context.Context, end func()) {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		r.ends = append(r.ends, end)
		return
	}
	end()
}

// Stand gives the seat of a request back: it is counted elsewhere from now on, and may take as long as it will.
func Stand(ctx context.Context) {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		r.leave()
	}
}
