package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"testing"
	"time"

	"hpfriends/graph"
	"hpfriends/wire"
)

// watch subscribes to the presence on a channel at a node, and returns what comes as "ident event".
func (f *fleet) watch(at string, k benchKey, channel string) <-chan string {
	f.t.Helper()
	c, err := login(f.t.Context(), f.address(at), k)
	f.must(err)
	f.t.Cleanup(func() { c.Close() })
	_, err = c.Write(wire.AppendSubscribe(nil, k.ident, channel+presenceSuffix))
	f.must(err)
	events := make(chan string, 64)
	go func() {
		defer close(events)
		for {
			frame, err := readFrame(c)
			if err != nil {
				return
			}
			ident, on, payload, err := wire.ParsePublish(frame)
			if err != nil || string(on) != channel+presenceSuffix {
				events <- fmt.Sprintf("frame %q", frame)
				return
			}
			events <- string(ident) + " " + string(payload)
		}
	}()
	return events
}

func (f *fleet) attend(at string, k benchKey, channel string) net.Conn {
	f.t.Helper()
	c, err := login(f.t.Context(), f.address(at), k)
	f.must(err)
	f.t.Cleanup(func() { c.Close() })
	_, err = c.Write(wire.AppendSubscribe(nil, k.ident, channel))
	f.must(err)
	return c
}

func (f *fleet) wantEvent(events <-chan string, limit time.Duration, want string) {
	f.t.Helper()
	select {
	case got := <-events:
		if got != want {
			f.t.Fatalf("the watcher is told %q, want %q", got, want)
		}
	case <-time.After(limit):
		f.t.Fatalf("the watcher is told nothing within %v, want %q", limit, want)
	}
}

// A publisher at one node hears of subscribers at the others: that they come and go, and that they are gone with their node,
// whether that is killed or leaves without a word.
func TestPresenceReachesOverNodes(t *testing.T) {
	t.Parallel() // it waits most of the time
	f := startFleet(t, 3)
	pubs, subs := f.setUp("n1", 1, 2)
	events := f.watch("n1", pubs[0], benchChannel)
	a := f.attend("n2", subs[0], benchChannel)
	f.wantEvent(events, 5*time.Second, subs[0].ident+" join")
	f.attend("n3", subs[1], "cowrie.*") // a pattern that selects the channel
	f.wantEvent(events, 5*time.Second, subs[1].ident+" join")
	a.Close()
	f.wantEvent(events, 5*time.Second, subs[0].ident+" leave")
	begin := time.Now()
	f.kill("n3")
	f.wantEvent(events, presenceLife+10*time.Second, subs[1].ident+" leave")
	t.Logf("the subscriber of a killed node leaves after %v", time.Since(begin).Round(time.Millisecond))

	f.start("n3")
	f.attend("n3", subs[1], benchChannel)
	f.wantEvent(events, 10*time.Second, subs[1].ident+" join")
	b := f.attend("n2", subs[0], "elsewhere") // nobody's who watches
	b.Close()
	f.stop("n3") // says so
	f.wantEvent(events, 5*time.Second, subs[1].ident+" leave")
	select {
	case got := <-events:
		t.Errorf("the watcher is also told %q", got)
	default:
	}
}

// A part that does not follow the one before is not taken, and all that comes instead changes what differs only.
func TestPresenceOfANodeIsCompleteOrAskedFor(t *testing.T) {
	p := newPresence()
	p.begin(func() *graph.Graph { return graph.New() })
	a, b := attendance{"a", 1, "c"}, attendance{"b", 2, "c"}
	tell := func(part presencePart) bool {
		t.Helper()
		req, err := json.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		body, err := p.hear(t.Context(), "n2", req)
		var answer presenceAnswer
		if err = errors.Join(err, json.Unmarshal(body, &answer)); err != nil {
			t.Fatal(err)
		}
		return answer.Taken
	}
	there := func() map[attendance]int { return p.peers["n2"].there }
	for _, step := range []struct {
		part  presencePart
		taken bool
		want  map[attendance]int
	}{
		{presencePart{Epoch: "x", Seq: 1, Moves: []movesBy{{a, 1}}}, false, map[attendance]int{}}, // the first is all
		{presencePart{Epoch: "x", Seq: 2, All: true, Moves: []movesBy{{a, 2}}}, true, map[attendance]int{a: 2}},
		{presencePart{Epoch: "x", Seq: 3, Moves: []movesBy{{a, -1}, {b, 1}}}, true, map[attendance]int{a: 1, b: 1}},
		{presencePart{Epoch: "x", Seq: 3, Moves: []movesBy{{a, -1}}}, false, map[attendance]int{a: 1, b: 1}}, // again
		{presencePart{Epoch: "x", Seq: 5, Moves: []movesBy{{a, -1}}}, false, map[attendance]int{a: 1, b: 1}}, // one is missing
		{presencePart{Epoch: "y", Seq: 4, Moves: []movesBy{{a, -1}}}, false, map[attendance]int{a: 1, b: 1}}, // it was restarted
		{presencePart{Epoch: "y", Seq: 1, All: true, Moves: []movesBy{{b, 3}}}, true, map[attendance]int{b: 3}},
	} {
		if taken := tell(step.part); taken != step.taken || !maps.Equal(there(), step.want) {
			t.Fatalf("%+v: taken %v, there are %v, want %v and %v", step.part, taken, there(), step.taken, step.want)
		}
	}
}
