package who

import (
	"context"

	"hpfriends/graph"
)

type actorKey struct{}

// With returns a context of a request by a.
func With(ctx context.Context, a graph.Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// Actor returns who asks. In a context that With has not made, that is nobody.
func Actor(ctx context.Context) graph.Actor {
	a, _ := ctx.Value(actorKey{}).(graph.Actor)
	return a
}
