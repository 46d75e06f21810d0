package siege

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/internal/load"
	"hpfriends/wire"
)

// A member's key publishes on one made-up channel after the other.
func TestMadeUpChannels(t *testing.T) {
	const most = 2000
	s := Begin(t, Walls{Flags: []string{"--max-channels", fmt.Sprint(most)}})
	s.Attack(func(ctx context.Context) { madeUp(ctx, s, 4) })
	if n := s.madeUpListed(most); n == 0 || n > most {
		t.Errorf("%d made-up channels are listed, at most %d", n, most)
	}
}

// Without the bound the list grows on, with the server's memory and what each page costs.
func TestMadeUpChannelsWithoutABound(t *testing.T) {
	const most = 2000
	s := Begin(t, Walls{Flags: []string{"--max-channels", "1000000"}})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	madeUp(ctx, s, 1)
	if n := s.madeUpListed(most); n <= most {
		t.Errorf("%d made-up channels are listed: this attack shows nothing", n)
	}
	if err := s.traffic.end(); err != nil {
		t.Error(err)
	}
}

// madeUpListed counts made-up channels that are listed, up to one more than most.
func (s *Siege) madeUpListed(most int) (listed int) {
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	for c, err := range api.ListChannels.Each(ctx, s.Server.API, api.ChannelsQuery{Prefix: "made-up-"}) {
		if err != nil {
			s.t.Fatal(err)
		}
		if strings.HasPrefix(c.Name, "made-up-") {
			if listed++; listed > most {
				break
			}
		}
	}
	s.t.Logf("%d made-up channels are listed", listed)
	return listed
}

// madeUp publishes on new channels as Mallory.
func madeUp(ctx context.Context, s *Siege, connections int) {
	var made atomic.Uint64
	asMallory(ctx, s, connections, func(c net.Conn) {
		go func() { _, _ = io.Copy(io.Discard, c) }() // what it is told
		for ctx.Err() == nil {
			var frames []byte
			for range 20 {
				frames = wire.AppendPublish(frames, s.Mallory.Ident, fmt.Sprint("made-up-", made.Add(1)), []byte("x"))
			}
			if _, err := c.Write(frames); err != nil {
				return
			}
		}
	})
}

// Wrong secrets, over and over, with a server that logs as much as it can: its own log stays small, and says how much
// it left out.
func TestLogFlood(t *testing.T) {
	s := Begin(t, Walls{Flags: []string{"--log-level", "debug"}})
	before := len(s.Server.Said())
	var tries atomic.Uint64
	s.Attack(func(ctx context.Context) {
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				for ctx.Err() == nil {
					c, err := from(ctx, s.Hpfeeds, i, 16)
					if err != nil {
						continue
					}
					_ = c.SetDeadline(time.Now().Add(5 * time.Second))
					if nonce, err := greeting(c); err == nil {
						ident := strings.Repeat(fmt.Sprint("x", tries.Add(1)%7), 100)[:200]
						_, _ = c.Write(wire.AppendAuth(nil, ident, wire.Digest(nonce, []byte("guess"))))
						_, _ = io.Copy(io.Discard, c)
					}
					_ = c.Close()
				}
			})
		}
		all.Wait()
	})
	time.Sleep(12 * time.Second) // what was suppressed is told
	said := s.Server.Said()[before:]
	t.Logf("%d tries, %d bytes of log", tries.Load(), len(said))
	if len(said) > 2<<20 {
		t.Errorf("the log has grown by %d bytes", len(said))
	}
	if !strings.Contains(said, "suppressed ") {
		t.Errorf("nothing was left out, or nobody is told: %d tries", tries.Load())
	}
}

// After a restart all clients come back at once: 5,000 of 10 members from 250 addresses. None is starved: each tries
// again when it is turned away, as the clients of the field do, and all are in within a minute.
func TestHonestHerd(t *testing.T) {
	const clients, members, within = 5000, 10, time.Minute
	s := Begin(t, Walls{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for i := range members {
		handle := fmt.Sprint("herd", i)
		user := api.With[api.NewUser]{Body: api.NewUser{Handle: handle}}
		if _, err := api.AddUser.Call(ctx, s.Server.API, user); err != nil {
			t.Fatal(err)
		}
		if err := load.AddKey(ctx, s.Server.API.As(handle), load.KeyOf(handle)); err != nil {
			t.Fatal(err)
		}
	}
	honest := s.connected()
	begin := time.Now()
	var all sync.WaitGroup
	var again atomic.Uint64
	for i := range clients {
		all.Go(func() {
			for ctx.Err() == nil {
				stay(ctx, s, load.KeyOf(fmt.Sprint("herd", i%members)), i)
				if ctx.Err() == nil {
					again.Add(1)
				}
				select {
				case <-time.After(time.Second):
				case <-ctx.Done():
				}
			}
		})
	}
	in := 0
	for time.Since(begin) < within {
		if in = s.connected() - honest; in >= clients {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Logf("%d of %d are in after %v; %d times one came again", in, clients, time.Since(begin).Round(time.Millisecond),
		again.Load())
	if in < clients {
		t.Errorf("%d of %d are in after %v", in, clients, within)
	}
	calm := s.measure(2 * time.Second)
	if calm.latency > max(3*s.calm.latency, mostLatency) || calm.wrong > 0 {
		t.Errorf("with all of them there, honest users notice: %v", calm)
	}
	cancel()
	all.Wait()
	s.recovers()
}

// stay logs in and remains until it is turned away.
func stay(ctx context.Context, s *Siege, k load.Key, i int) {
	c, err := from(ctx, s.Hpfeeds, i, 250)
	if err != nil {
		return
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	nonce, err := greeting(c)
	if err != nil {
		return
	}
	if _, err := c.Write(wire.AppendAuth(nil, k.Ident, wire.Digest(nonce, []byte(k.Secret)))); err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, c)
}
