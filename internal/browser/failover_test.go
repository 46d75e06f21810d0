package browser

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/load"
	"hpfriends/internal/timespec"
	"hpfriends/wire"
)

// A browser that watches Live through one node goes on when the leader is killed, when the node itself is killed and it
// falls on to another, and when a proxy had no node for it: nothing is missing, nothing comes twice, and who was logged
// in still is.
func TestLiveOutlivesNodes(t *testing.T) {
	b, c := Start(t), Three(t)
	leader := c.Leader(c.Nodes[0])
	others := slices.DeleteFunc(c.Nodes[:], func(n *Member) bool { return n == leader })
	watched, publishing := others[0], others[1]
	front := startRelay(t, watched.http, publishing.http)
	befriend(t, &publishing.World)

	p := b.Tab(t, "http://"+front.Address)
	p.Login("bob", Password)
	p.Open("/live?channel=test.count")
	s := startCount(t, &publishing.World)
	seen := sight{t: t, p: p, positions: make(map[string]string)}
	seen.until(20)

	leader.process.Kill()
	before := s.published()
	seen.until(before + 40)
	leader.start()
	c.Settle()

	watched.process.Kill()
	before = s.published()
	seen.until(before + 40)

	front.Shut.Store(true)
	front.HangUp()
	p.must(nil, p.until(func() error {
		if front.Refused.Load() == 0 {
			return errors.New("the browser does not try again")
		}
		return nil
	}))
	p.See("connecting again")
	front.Shut.Store(false)
	seen.until(s.published() + 40)

	last := s.stop()
	seen.until(last)
	p.See(fmt.Sprintf("%d arrived", last))
	p.Click("button", "Pause") // what is below the window is drawn, too
	seen.until(last)
	for i := range last {
		if _, ok := seen.positions[count(i+1)]; !ok {
			t.Errorf("%s was never seen", count(i+1))
		}
	}
	p.watch.forgive("/live/messages") // it has lost its node
	p.Click("link", "Shared with you")
	p.In("row", "flows", "ada", "test.*")
}

// befriend makes ada share test.* with bob, who can log in.
func befriend(t *testing.T, w *World) {
	t.Helper()
	for _, handle := range []string{"ada", "bob"} {
		user := api.With[api.NewUser]{Body: api.NewUser{Handle: handle, Password: api.NewSecret(Password)}}
		if _, err := api.AddUser.Call(t.Context(), w.API, user); err != nil {
			t.Fatal(err)
		}
	}
	if err := load.AddKey(t.Context(), w.API.As("ada"), load.KeyOf("ada")); err != nil {
		t.Fatal(err)
	}
	share := api.With[api.NewShare]{Body: api.NewShare{Channel: "test.*", To: "bob", Type: graph.Own}}
	made, err := api.AddShare.Call(t.Context(), w.API.As("ada"), share)
	if err == nil {
		_, err = api.AcceptShare.Call(t.Context(), w.API.As("bob"), api.SharePath{ID: made.ID})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// counting publishes numbers, one after the other.
type counting struct {
	cancel context.CancelFunc
	now    chan int
	done   chan struct{}
	last   int
}

func count(n int) string { return fmt.Sprintf("number %d.", n) }

// startCount publishes through a node, at its pace and at most 25 a second.
func startCount(t *testing.T, w *World) *counting {
	t.Helper()
	conn, err := load.Login(t.Context(), w.Hpfeeds, load.KeyOf("ada"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := &counting{cancel: cancel, now: make(chan int), done: make(chan struct{})}
	go func() { // until stop
		defer close(s.done)
		for n := 1; timespec.Sleep(ctx, 40*time.Millisecond) == nil; n++ {
			frame := wire.AppendPublish(nil, load.KeyOf("ada").Ident, "test.count", []byte(count(n)))
			if _, err := conn.Write(frame); err != nil {
				t.Errorf("%s: %v", count(n), err)
				return
			}
			s.last = n
			select {
			case s.now <- n:
			default:
			}
		}
	}()
	t.Cleanup(func() { s.stop(); conn.Close() })
	return s
}

// published is the number that was just published.
func (s *counting) published() int {
	select {
	case n := <-s.now:
		return n
	case <-s.done:
		return s.last
	}
}

func (s *counting) stop() int {
	s.cancel()
	<-s.done
	return s.last
}

// sight is what a person has seen on Live.
type sight struct {
	t         *testing.T
	p         *Tab
	positions map[string]string // by what was published
}

const liveRows = `[...document.querySelectorAll("#live-rows tr")].map(
	(r) => [r.querySelector("a").getAttribute("href"), r.querySelector(".payload").textContent])`

// until watches until a number is on the page. Each has one place in the log.
func (s *sight) until(n int) {
	s.t.Helper()
	err := s.p.waits(time.Minute, func() error {
		rows, err := evaluate[[][2]string](s.p, liveRows)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if was, ok := s.positions[r[1]]; ok && was != r[0] {
				s.t.Errorf("%q came twice: %s and %s", r[1], was, r[0])
			}
			s.positions[r[1]] = r[0]
		}
		if _, ok := s.positions[count(n)]; !ok {
			return fmt.Errorf("%s is not on the page", count(n))
		}
		return nil
	})
	if err != nil {
		s.p.fail(err)
	}
}
