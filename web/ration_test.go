package web

import (
	"net/http"
	"testing"
	"time"

	"hpfriends/graph"
	"hpfriends/web/ration"
	"hpfriends/web/who"
)

// A page and an operation of the API take a turn of who asks: while a user has all of theirs, others are answered, and
// rows that are waited for take none.
func TestWhoAsksTakesATurn(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob")
	var ends []func()
	ctx := who.With(t.Context(), graph.Actor{User: 1})
	for range ration.Each {
		_, end, err := w.server.turns.Take(ctx)
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, end)
	}
	answered := make(chan int, 2)
	go func() {
		answered <- w.send(as("ada"), "GET /api/v1/shares", nil).Code
	}()
	go func() {
		code, _ := w.page("ada", "/shares")
		answered <- code
	}()
	for _, q := range []struct {
		by caller
		it string
	}{{as("bob"), "GET /api/v1/shares"}, {as("ada"), "GET /api/v1/logs?wait=true&after=1"}} {
		if got := w.send(q.by, q.it, nil); got.Code != http.StatusOK {
			t.Errorf("%s: %d", q.it, got.Code)
		}
	}
	select {
	case code := <-answered:
		t.Fatalf("ada is answered (%d) although all her turns are taken", code)
	case <-time.After(100 * time.Millisecond):
	}
	for _, end := range ends {
		end()
	}
	for range 2 {
		if code := <-answered; code != http.StatusOK {
			t.Errorf("ada is answered with %d", code)
		}
	}
}
