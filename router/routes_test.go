package router

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// Channels that somebody makes up take a bounded number of routes, and the messages on all of them arrive.
func TestMadeUpChannelsTakeBoundedMemory(t *testing.T) {
	w := newWorld(t, 1<<20)
	w.router.routes.most = 100
	alice := w.user("alice")
	p := new(peer)
	s := w.router.Join(p.peer(), alice, 1<<20)
	s.Subscribe("*", "*", History{})
	var want [][]byte
	for i := range 1000 {
		w.publish(message{alice, fmt.Sprintf("made.up.%d", i), 10}, message{alice, "honest", 10})
		w.router.mu.Lock()
		n, held := len(w.router.routes.memo), w.router.routes.held
		w.router.mu.Unlock()
		if n > 100 || held > 100 {
			t.Fatalf("after %d channels the memo has %d routes (%d counted)", i, n, held)
		}
	}
	w.settle(s)
	for _, m := range w.sent {
		want = append(want, m.frame)
	}
	wantFrames(t, "alice", p.frames(), want)
}

// A channel with many subscribers counts by them.
func TestRoutesCountWhomTheyName(t *testing.T) {
	r := newRoutes()
	r.most = 100
	many := make([]*Subscriber, 400)
	for i := range 10 {
		r.add(routeKey{graph.UserID(i), "c"}, many)
	}
	if n := len(r.memo); n > 2 {
		t.Errorf("%d routes of 400 subscribers each are kept, want at most 2", n)
	}
}

// A subscriber whose entries cannot be read is told so.
func TestUnreadableLogIsTold(t *testing.T) {
	w := newWorld(t, 1<<20)
	alice := w.user("alice")
	w.publish(message{alice, "c", 10})
	w.append([]byte{byte(entry.KindBatch), 1, 2, 3}, func(tx *eventlog.Tx, index uint64) {
		h := entry.Header{Runs: []entry.Run{{Channel: "c", Origin: uint64(alice), Count: 1}}}
		tx.IndexBatch(index, h)
	})
	w.settle() // nobody is subscribed: the tail does not read it
	p := new(peer)
	s := w.router.Join(p.peer(), alice, 1<<20)
	s.Subscribe("c", "c", History{From: eventlog.Position{Index: 1}})
	w.settle(s)
	if len(p.told) != 1 || !strings.HasPrefix(p.told[0], "failed at #3.0: ") {
		t.Errorf("told %q, want one failure", p.told)
	}
	if !s.isClosed() {
		t.Error("the subscriber is still there")
	}
}

// Who subscribes does not wait while a reach is computed, which may be of everybody.
func TestReachesAreComputedOutsideOfTheLock(t *testing.T) {
	w := newWorld(t, 1<<20)
	w.stop()
	alice, bob := w.user("alice"), w.user("bob")
	computed, reach := 0, w.router.reach
	w.router.reach = func(origin graph.UserID, channel string) *graph.Reach {
		w.router.mu.mu.Lock()
		if !w.router.mu.held {
			computed++
		}
		w.router.mu.mu.Unlock()
		return reach(origin, channel)
	}
	w.run()
	p := new(peer)
	s := w.router.Join(p.peer(), alice, 1<<20)
	s.Subscribe("*", "*", History{})
	w.publish(message{alice, "c", 10}, message{bob, "c", 10})
	w.publish(message{alice, "c", 10}, message{bob, "c", 10})
	if w.settle(s); computed != 2 {
		t.Errorf("%d reaches were computed outside of the lock, want 2", computed)
	}
	if len(p.frames()) != 2 {
		t.Errorf("alice has %d messages, want 2", len(p.frames()))
	}
}

// However many subscribe at once, an entry does not wait for all of them.
func TestRoutingDoesNotQueueBehindThoseWhoSubscribe(t *testing.T) {
	w := newWorld(t, 1<<20)
	w.stop()
	alice := w.user("alice")
	w.router.Join(new(peer).peer(), alice, 1<<20).Subscribe("*", "*", History{})
	w.publish(message{alice, "c", 10})
	// waiting waits until so many others wait, and the first or not; or until the end, and then it is false.
	waiting := func(first bool, others int, end chan struct{}) bool {
		t.Helper()
		for range 10_000 {
			w.router.mu.mu.Lock()
			done := len(w.router.mu.others) == others && (w.router.mu.first != nil) == first
			w.router.mu.mu.Unlock()
			if done {
				return true
			}
			select {
			case <-end:
				return false
			case <-time.After(time.Millisecond):
			}
		}
		t.Fatalf("%d goroutines do not wait for the lock", others)
		return false
	}
	const many = 200
	var all sync.WaitGroup
	var held atomic.Int32
	step := make(chan struct{})
	w.router.mu.Lock()
	for range many {
		all.Go(func() {
			w.router.mu.Lock()
			defer w.router.mu.Unlock()
			held.Add(1)
			<-step
		})
	}
	waiting(false, many, nil)
	routed := make(chan struct{})
	go func() {
		defer close(routed)
		for w.router.next <= w.index { // only this goroutine changes it
			if err := w.router.route(w.router.next); err != nil {
				t.Error(err)
				break
			}
		}
	}()
	waiting(true, many, nil)
	w.router.mu.Unlock()
	for left := many - 1; waiting(true, left, routed); left-- { // one of the others has the lock whenever routing has not
		step <- struct{}{}
	}
	if n := held.Load(); n > 10 { // one for each time that routing takes the lock
		t.Errorf("two entries waited for %d of %d", n, many)
	}
	close(step)
	all.Wait()
}
