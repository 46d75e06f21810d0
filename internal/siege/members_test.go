package siege

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"hpfriends/wire"
)

// A member's key comes and goes on ever new channels, and watches all that it may of its own comings and goings.
func TestPresence(t *testing.T) {
	s := Begin(t, Walls{})
	var made atomic.Uint64
	s.Attack(func(ctx context.Context) {
		go asMallory(ctx, s, 100, func(c net.Conn) {
			var frames []byte
			for i := range 100 {
				frames = wire.AppendSubscribe(frames, s.Mallory.Ident, fmt.Sprintf("watched%d..broker", i))
			}
			_, _ = c.Write(frames)
			_, _ = io.Copy(io.Discard, c)
		})
		asMallory(ctx, s, 50, func(c net.Conn) {
			_ = c.(*net.TCPConn).SetWriteBuffer(64 << 10) // filling buffers of megabytes is work for this process only
			go func() { _, _ = io.Copy(io.Discard, c) }()
			for err := error(nil); err == nil; {
				var frames []byte
				for range 20 {
					channel := fmt.Sprintf("watched%d", made.Add(1)%100)
					frames = wire.AppendSubscribe(frames, s.Mallory.Ident, channel)
					frames = wire.AppendUnsubscribe(frames, s.Mallory.Ident, channel)
				}
				_, err = c.Write(frames)
			}
		})
	})
	t.Logf("%d comings and goings", made.Load())
}

// A member's key claims durable subscriptions under ever new names, and asks for all there is each time.
func TestDurables(t *testing.T) {
	s := Begin(t, Walls{})
	var made atomic.Uint64
	s.Attack(func(ctx context.Context) {
		go flood(ctx, s, "loud", 1000, 8)
		asMallory(ctx, s, 100, func(c net.Conn) {
			_ = c.(*net.TCPConn).SetWriteBuffer(64 << 10)
			go func() { _, _ = io.Copy(io.Discard, c) }()
			for err := error(nil); err == nil; {
				var frames []byte
				for range 20 {
					channel := fmt.Sprintf("loud?durable=name%d&since=first", made.Add(1)%500)
					frames = wire.AppendSubscribe(frames, s.Mallory.Ident, channel)
					frames = wire.AppendUnsubscribe(frames, s.Mallory.Ident, "loud")
				}
				_, err = c.Write(frames)
			}
		})
	})
	t.Logf("%d claims", made.Load())
}
