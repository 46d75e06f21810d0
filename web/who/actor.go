package who

import (
	"context"
	"net/http"

	"hpfriends/graph"
)

// Authenticate finds out who sends a request. Where there is an error, the actor may still tell where it came from.
type Authenticate func(*http.Request) (graph.Actor, error)

// Mux is where handlers are registered, as a ServeMux.
type Mux interface {
	HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request))
}

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
