package router

import (
	"sync"
	"testing"

	"hpfriends/graph"
)

// Who publishes a message that somebody does not take is told once of all of them, and also while one of them reads
// slowly. Positions and times make no frame too large; a longer name that is echoed does.
func TestTooLargeForSomeReceiversIsTold(t *testing.T) {
	w := newWorld(t, defaultOutboxBytes)
	var mu sync.Mutex
	var told []Undelivered
	w.router.config.Undelivered = func(u Undelivered) {
		mu.Lock()
		defer mu.Unlock()
		u.Run = nil
		told = append(told, u)
	}
	ada := w.user("ada")
	var peers [4]peer
	var subs []*Subscriber
	for i, limit := range []int{graph.DefaultMaxMessage, 1000, 1000, 1000} {
		s := w.router.Join((&peers[i]).peer(), ada, limit)
		name := "c"
		if i == 3 {
			name = "c?echo=1"
		}
		s.Subscribe(name, "c", History{Form: Form{Positions: i == 2, Times: i == 2, Echo: i == 3}})
		subs = append(subs, s)
	}
	const names = 5 + 1 + 1 + 1 + 1 // of a frame, beside the payload
	w.publish(message{ada, "c", 500}, message{ada, "other", 5000})
	w.publish(message{ada, "c", 500}, message{ada, "c", 5000}, message{ada, "c", 2000})
	w.publish(message{ada, "c", 1000 - names})
	w.publish(message{ada, "c", 1000 - names - maxChannel})
	w.settle(subs...)
	mu.Lock()
	defer mu.Unlock()
	want := []Undelivered{
		{Count: 2, Size: 5000 + names, Limit: 1000, Missed: 3, Receivers: 4},
		{Count: 1, Size: 1000, Limit: 1000, Missed: 1, Receivers: 4},
	}
	if len(told) != len(want) || told[0] != want[0] || told[1] != want[1] {
		t.Errorf("told %+v, want %+v", told, want)
	}
	for i, n := range []int{6, 4, 4, 3} {
		if got := len(peers[i].frames()); got != n {
			t.Errorf("subscriber %d got %d messages, want %d", i, got, n)
		}
	}
}
