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
		_, end, err := w.server.turns.Questions.Take(ctx)
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

// What takes as long as its reader does takes a turn of another kind: it holds what is not taken yet.
func TestFilesTakeATurn(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob")
	var ends []func()
	for range ration.EachFile {
		_, end, err := w.server.turns.Files.Take(who.With(t.Context(), graph.Actor{User: 1}))
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, end)
	}
	files := []string{
		"/api/v1/messages?channel=x&since=1h", "/history/download?channel=x", "/logs/download?form=csv", "/account/data",
		"/m/1.0/payload",
	}
	answered := make(chan string, len(files))
	for _, path := range files {
		go func() {
			w.send(as("ada"), "GET "+path, nil)
			answered <- path
		}()
	}
	if got := w.send(as("bob"), "GET "+files[0], nil); got.Code != http.StatusOK {
		t.Errorf("bob: %d", got.Code)
	}
	select {
	case path := <-answered:
		t.Errorf("ada has %s although all her turns are taken", path)
	case <-time.After(100 * time.Millisecond):
	}
	for _, end := range ends {
		end()
	}
	for range files {
		<-answered
	}
}
