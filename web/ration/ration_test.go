package ration

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"hpfriends/graph"
	"hpfriends/web/who"
)

// One user has so many turns and no more; another one, the operator, and whoever has a turn already do not wait.
func TestAUserHasSoManyTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New().Questions
		ada := who.With(t.Context(), graph.Actor{User: 1})
		var ends []func()
		var in context.Context
		for range Each {
			ctx, end, err := r.Take(ada)
			if err != nil {
				t.Fatal(err)
			}
			in, ends = ctx, append(ends, end)
		}
		waited := make(chan error, 1)
		go func() {
			_, end, err := r.Take(ada)
			if err == nil {
				end()
			}
			waited <- err
		}()
		synctest.Wait()
		select {
		case <-waited:
			t.Fatal("there is one turn too many")
		default:
		}
		for name, ctx := range map[string]context.Context{
			"another": who.With(t.Context(), graph.Actor{User: 2}), "who has one": in, "nobody": t.Context(),
			"the operator": who.With(t.Context(), graph.Actor{Operator: true}),
		} {
			_, end, err := r.Take(ctx)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			end()
		}
		gone, cancel := context.WithCancel(ada)
		cancel()
		if _, _, err := r.Take(gone); !errors.Is(err, context.Canceled) {
			t.Errorf("who has left: %v", err)
		}
		ends[0]()
		if err := <-waited; err != nil {
			t.Error(err)
		}
	})
}

// The turn of a request lasts until it is answered; what is in no request ends its turn at once.
func TestATurnLastsUntilTheAnswerIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, ada := New().Questions, who.With(t.Context(), graph.Actor{User: 1})
		ctx, answered := Begin(ada, func() {})
		for range Each {
			_, end, err := r.Take(ctx)
			if err != nil {
				t.Fatal(err)
			}
			Last(ctx, end)
		}
		more := make(chan struct{})
		go func() {
			for range 2 * Each {
				_, end, err := r.Take(ada)
				if err != nil {
					t.Error(err)
					break
				}
				Last(ada, end)
			}
			close(more)
		}()
		synctest.Wait()
		select {
		case <-more:
			t.Error("the turns have ended before the answer was taken")
		default:
		}
		answered()
		<-more
	})
}
