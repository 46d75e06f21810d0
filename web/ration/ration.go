// Package ration lets each user ask for a few things at a time. Who asks for more waits for their own, so that no user
// takes the processors from the others by asking for what is dear: a page as of last year, who could read a channel, a
// search, a thousand times at once.
//
// # Invariant
//
// A user has at most Each turns. Nobody waits for another user, and nobody for a turn of their own that goes on above
// them: a page that asks the API has its turn already.
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

// Each is how many things one user may ask for at a time.
const Each = 4

// Ration is the turns of all users of a node.
type Ration struct{ turns *turns.Turns[graph.UserID] }

// New returns a Ration of which nothing is taken.
func New() *Ration { return &Ration{turns.New[graph.UserID](math.MaxInt, Each)} }

type taken struct{}

// Take waits for a turn of who asks in ctx, or for ctx to be done, whose error it returns. What is done in the turn is
// done with the context that it returns, and end ends it. The operator does not wait.
func (r *Ration) Take(ctx context.Context) (in context.Context, end func(), err error) {
	a := who.Actor(ctx)
	if a.User == 0 || a.Operator || ctx.Value(taken{}) != nil {
		return ctx, func() {}, nil
	}
	if err := r.turns.Take(ctx, a.User); err != nil {
		return ctx, nil, err
	}
	return context.WithValue(ctx, taken{}, true), func() { r.turns.Give(a.User) }, nil
}
