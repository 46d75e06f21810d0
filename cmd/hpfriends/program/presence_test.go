package program

import (
	"fmt"
	"net"
	"testing"
	"time"

	"hpfriends/internal/load"
	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

// watch subscribes to the presence on a channel at a node, and returns what comes as "ident event".
func (f *fleet) watch(at string, k load.Key, channel string) <-chan string {
	f.t.Helper()
	c, err := load.Login(f.t.Context(), f.address(at), k)
	f.must(err)
	f.t.Cleanup(func() { c.Close() })
	_, err = c.Write(wire.AppendSubscribe(nil, k.Ident, channel+subscription.PresenceSuffix))
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
			if err != nil || string(on) != channel+subscription.PresenceSuffix {
				events <- fmt.Sprintf("frame %q", frame)
				return
			}
			events <- string(ident) + " " + string(payload)
		}
	}()
	return events
}

func (f *fleet) attend(at string, k load.Key, channel string) net.Conn {
	f.t.Helper()
	c, err := load.Login(f.t.Context(), f.address(at), k)
	f.must(err)
	f.t.Cleanup(func() { c.Close() })
	_, err = c.Write(wire.AppendSubscribe(nil, k.Ident, channel))
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

// A publisher at one node hears of subscribers at the others: that they come and go, and that they are gone with their
// node, whether that is killed or leaves without a word.
func TestPresenceReachesOverNodes(t *testing.T) {
	t.Parallel() // it waits most of the time
	f := startFleet(t, 3)
	pubs, subs := f.setUp("n1", 1, 2)
	events := f.watch("n1", pubs[0], load.Channel)
	a := f.attend("n2", subs[0], load.Channel)
	f.wantEvent(events, 5*time.Second, subs[0].Ident+" join")
	f.attend("n3", subs[1], "cowrie.*") // a pattern that selects the channel
	f.wantEvent(events, 5*time.Second, subs[1].Ident+" join")
	a.Close()
	f.wantEvent(events, 5*time.Second, subs[0].Ident+" leave")
	begin := time.Now()
	f.kill("n3")
	f.wantEvent(events, 20*time.Second, subs[1].Ident+" leave")
	t.Logf("the subscriber of a killed node leaves after %v", time.Since(begin).Round(time.Millisecond))

	f.start("n3")
	f.attend("n3", subs[1], load.Channel)
	f.wantEvent(events, 10*time.Second, subs[1].Ident+" join")
	b := f.attend("n2", subs[0], "elsewhere") // nobody's who watches
	b.Close()
	f.stop("n3") // says so
	f.wantEvent(events, 5*time.Second, subs[1].Ident+" leave")
	select {
	case got := <-events:
		t.Errorf("the watcher is also told %q", got)
	default:
	}
}
