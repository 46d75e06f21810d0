package broker

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"testing"

	"hpfriends/graph"
)

// A part that does not follow the one before is not taken, and all that comes instead changes what differs only.
func TestPresenceOfANodeIsCompleteOrAskedFor(t *testing.T) {
	p := NewPresence()
	p.begin(func() *graph.Graph { return graph.New() })
	a, b := attendee{"a", 1, "c"}, attendee{"b", 2, "c"}
	tell := func(part presenceUpdate) bool {
		t.Helper()
		req, err := json.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		body, err := p.Receive(t.Context(), "n2", req)
		var answer presenceAnswer
		if err = errors.Join(err, json.Unmarshal(body, &answer)); err != nil {
			t.Fatal(err)
		}
		return answer.Taken
	}
	there := func() map[attendee]int { return p.peers["n2"].there }
	for _, step := range []struct {
		part  presenceUpdate
		taken bool
		want  map[attendee]int
	}{
		{presenceUpdate{Epoch: "x", Seq: 1, Changes: []presenceChange{{a, 1}}}, false, map[attendee]int{}},
		{presenceUpdate{Epoch: "x", Seq: 2, All: true, Changes: []presenceChange{{a, 2}}}, true, map[attendee]int{a: 2}},
		{presenceUpdate{Epoch: "x", Seq: 3, Changes: []presenceChange{{a, -1}, {b, 1}}}, true, map[attendee]int{a: 1, b: 1}},
		{presenceUpdate{Epoch: "x", Seq: 3, Changes: []presenceChange{{a, -1}}}, false, map[attendee]int{a: 1, b: 1}},
		{presenceUpdate{Epoch: "x", Seq: 5, Changes: []presenceChange{{a, -1}}}, false, map[attendee]int{a: 1, b: 1}},
		{presenceUpdate{Epoch: "y", Seq: 4, Changes: []presenceChange{{a, -1}}}, false, map[attendee]int{a: 1, b: 1}},
		{presenceUpdate{Epoch: "y", Seq: 1, All: true, Changes: []presenceChange{{b, 3}}}, true, map[attendee]int{b: 3}},
	} {
		if taken := tell(step.part); taken != step.taken || !maps.Equal(there(), step.want) {
			t.Fatalf("%+v: taken %v, there are %v, want %v and %v", step.part, taken, there(), step.taken, step.want)
		}
	}
}

// crowdOf is a graph in which somebody's subscriptions are seen by their own watchers, and by nobody else.
func crowdOf(t *testing.T, users int) *graph.Graph {
	t.Helper()
	g := graph.New()
	for i := range users {
		c := graph.Command{By: graph.Actor{Operator: true}, Op: graph.AddUser{Handle: fmt.Sprintf("user%d", i)}}
		next, _, err := g.Apply(uint64(i+2), c)
		if err != nil {
			t.Fatal(err)
		}
		g = next
	}
	return g
}

func watching(user graph.UserID) *watcher {
	return &watcher{
		conn: &conn{user: user}, events: make(chan []byte, watcherEvents), behind: make(chan struct{}),
	}
}

// A connection and a user watch a bounded number of channels, and what they leave is free again.
func TestWatchesAreBounded(t *testing.T) {
	s := newWatches()
	taken := 0
	for range 20 {
		w := watching(1)
		for n := 0; s.add(w, fmt.Sprint("c", n)) == nil; n++ {
			taken++
		}
	}
	if taken != perUserWatches {
		t.Errorf("one user watches %d channels, want %d", taken, perUserWatches)
	}
	one := watching(2)
	for n := range perConnWatches {
		if err := s.add(one, fmt.Sprint("c", n)); err != nil {
			t.Fatalf("another user's channel %d: %v", n, err)
		}
	}
	if s.add(one, "more") == nil {
		t.Error("a connection watches more channels than it may")
	}
	s.remove(one, "c0")
	if err := s.add(one, "more"); err != nil {
		t.Errorf("after one was left: %v", err)
	}
}

// Who subscribes to all of 100,000 watched channels does not wait for those who are told, and neither does anybody
// else's news: users take turns.
func TestSubscribersDoNotWaitForPresence(t *testing.T) {
	g := crowdOf(t, 1100)
	p := NewPresence()
	p.begin(func() *graph.Graph { return g })
	for user := range graph.UserID(1000) {
		w := watching(user + 100)
		for n := range perConnWatches {
			if err := p.watches.add(w, fmt.Sprintf("%d.%d", user, n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	mine := watching(3)
	if err := p.watches.add(mine, "mine"); err != nil {
		t.Fatal(err)
	}
	mallory, ada := &conn{user: 2, ident: "mallory"}, &conn{user: 3, ident: "ada"}
	for n := range 1000 {
		p.notify(mallory, "*", joins)
		p.notify(mallory, fmt.Sprintf("%d*", n%10), joins)
	}
	p.notify(ada, "mine", joins)
	for turns := 1; len(mine.events) == 0; turns++ {
		if turns > 3 {
			t.Fatal("the news of one user wait for another's")
		}
		a, ok := p.news.next()
		if !ok {
			t.Fatal("nothing is told")
		}
		p.tellSome(a)
		if a.key.Channel == "*" && len(a.channels) < 100*1000-channelsAtOnce {
			t.Fatalf("one turn was for all but %d of the channels", len(a.channels))
		}
	}
	for range 1000 {
		p.notify(mallory, "*", leaves)
		p.notify(mallory, "*", joins)
	}
	if n := len(p.news.users[2].net); n > 11 {
		t.Errorf("%d announcements of 11 subscriptions wait", n)
	}
}
