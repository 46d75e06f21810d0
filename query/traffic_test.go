package query

import (
	"context"
	"fmt"
	"testing"
	"time"

	"hpfriends/graph"
)

// What a share shows begins with a segment, so to count it nothing is read from the log. (It would be right without, but cost
// up to a segment for each share.)
func TestWhatAShareShowsIsCountedWithoutReading(t *testing.T) {
	f, q := newFixture(t)
	ada := graph.UserID(f.change(0, graph.AddUser{Handle: "ada"}))
	bob := graph.UserID(f.change(0, graph.AddUser{Handle: "bob"}))
	for range 5 {
		f.publish(ada, "c")
	}
	s := f.change(ada, graph.AddShare{Channel: "c", User: bob})
	f.publish(ada, "c")
	f.change(bob, graph.DecideShare{Share: graph.ShareID(s), Accept: true})
	first := fmt.Sprintf("#%d.0", s+1)
	f.publish(ada, "c")
	counter := q.traffic.counter("c")
	err := q.channels(graph.Actor{User: bob}, exactly("c"), nil, func(c *seen) error {
		for _, l := range c.lanes {
			if s, err := counter.since(l.row, l.from); err != nil || s.messages != 2 || s.first.String() != first {
				t.Errorf("%+v, %v, want 2 messages from %s", s, err, first)
			}
		}
		return nil
	})
	if err != nil || len(counter.parts) != 0 {
		t.Errorf("%v; parts of the log were read: %v", err, counter.parts)
	}
}

// Run follows the log by itself, so that who asks finds it counted.
func TestRunFollowsTheLog(t *testing.T) {
	f, q := newFixture(t)
	ada := graph.UserID(f.change(0, graph.AddUser{Handle: "ada"}))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	f.publish(ada, "c")
	f.change(0, graph.AddUser{Handle: "bob"}) // ends the segment
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		if stored, _, err := newTraffic(f.log).cursor(); err != nil || stored == f.index-1 {
			if err != nil {
				t.Error(err)
			}
			break
		}
		if time.Since(begin) > 20*time.Second {
			t.Fatal("nothing is counted")
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
