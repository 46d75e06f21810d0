package broker

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"hpfriends/graph"
	"hpfriends/wire"
)

// Subscriptions that come and go leave nothing behind to be told, under whatever names; and of whom too much is to be
// told waits until some of it is.
func TestNewsOfOneUserAreBounded(t *testing.T) {
	s := newAnnouncements()
	key := func(n int) newsKey { return newsKey{attendee: attendee{User: 2, Channel: fmt.Sprint(n)}} }
	for n := range 100_000 {
		s.add(key(n), +1)
		s.add(key(n), -1)
	}
	if u := s.users[2]; len(u.net) != 0 || len(u.order) > 64 {
		t.Errorf("%d announcements and %d places of what has ended", len(u.net), len(u.order))
	}
	for n := range maxNews {
		if s.room(2) != nil {
			t.Fatalf("there is no room after %d", n)
		}
		s.add(key(n), +1)
	}
	room := s.room(2)
	if room == nil || s.room(3) != nil {
		t.Fatalf("of one user %d are to be told: who waits, %t, and do others, %t", maxNews, room != nil, s.room(3) != nil)
	}
	told := 0
	for ; ; told++ {
		select {
		case <-room:
			if told < maxNews/2 || told > maxNews/2+2 || s.room(2) != nil {
				t.Errorf("there was room after %d were told", told)
			}
			return
		default:
		}
		if _, ok := s.next(); !ok {
			t.Fatalf("all is told after %d, and there is no room", told)
		}
	}
}

// A user's subscriptions are bounded, and so is how fast they change, on however many connections; others have their
// own.
func TestRequestsOfOneUserAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRequests()
		for range perUserSubscriptions {
			if err := r.begin(1); err != nil {
				t.Fatal(err)
			}
		}
		var refused *wire.Refused
		if err := r.begin(1); !errors.As(err, &refused) || r.begin(2) != nil {
			t.Errorf("one too many: %v", err)
		}
		if r.end(1); r.begin(1) != nil {
			t.Error("there is no room for another after one has ended")
		}
		for what, try := range map[string]struct {
			ask   func(context.Context, graph.UserID) error
			burst int
		}{"change": {r.change, changeBurst}, "claim": {r.claim, claimBurst}} {
			begun := time.Now()
			for range try.burst + 100 {
				if err := try.ask(t.Context(), 1); err != nil {
					t.Fatal(err)
				}
			}
			waited := time.Since(begun)
			if _ = try.ask(t.Context(), 2); waited < 99*time.Millisecond || time.Since(begun) != waited {
				t.Errorf("%s: who asks for too much waited %v, and another as well", what, waited)
			}
		}
		for range perUserSubscriptions {
			r.end(1)
		}
		r.end(2)
		time.Sleep(time.Hour)
		if r.forget(); len(r.users) != 0 {
			t.Errorf("%d users are remembered", len(r.users))
		}
	})
}
