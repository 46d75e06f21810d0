package siege

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hpfriends/wire"
)

// A member's key comes and goes on all channels that it watches, which are as many as it may, and is told of it.
func TestPresence(t *testing.T) {
	s := Begin(t, Walls{})
	s.Attack(func(ctx context.Context) {
		var watching atomic.Uint64
		go asMallory(ctx, s, 100, func(c net.Conn) {
			var frames []byte
			for range 100 {
				channel := fmt.Sprintf("watched%d..broker", watching.Add(1))
				frames = wire.AppendSubscribe(frames, s.Mallory.Ident, channel)
			}
			_, _ = c.Write(frames)
			_, _ = io.Copy(io.Discard, c)
		})
		var frames []byte
		for range 100 {
			frames = wire.AppendSubscribe(frames, s.Mallory.Ident, "watched*")
			frames = wire.AppendUnsubscribe(frames, s.Mallory.Ident, "watched*")
		}
		asMallory(ctx, s, 50, func(c net.Conn) {
			_ = c.(*net.TCPConn).SetWriteBuffer(64 << 10) // filling buffers of megabytes is work for this process only
			go func() { _, _ = io.Copy(io.Discard, c) }()
			for err := error(nil); err == nil; {
				_, err = c.Write(frames)
			}
		})
	})
}

// A member's key claims durable subscriptions, takes them from itself, and asks for all there is each time. Each claim
// is an entry of the log.
func TestDurables(t *testing.T) {
	s := Begin(t, Walls{})
	fill, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	flood(fill, s, "loud", 4000, 8)
	var frames []byte
	for i := range 90 {
		frames = wire.AppendSubscribe(frames, s.Mallory.Ident, fmt.Sprintf("loud?durable=name%d&from=first", i))
	}
	before := s.metric("hpfriends_log_applied_index")
	var claimed float64
	lasted := s.Attack(func(ctx context.Context) {
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				for ctx.Err() == nil {
					asMallory(ctx, s, 1, func(c net.Conn) {
						_, _ = c.Write(frames)
						_, _ = io.Copy(io.Discard, c)
					})
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
		all.Wait()
		claimed = s.metric("hpfriends_log_applied_index") - before
	})
	most := 5000 + 200*lasted.Seconds() // 50 claims a second, and what honest publishers say
	t.Logf("%.0f entries, at most %.0f", claimed, most)
	if claimed > most {
		t.Errorf("one member's claims are %.0f entries of the log, want at most %.0f", claimed, most)
	}
}
