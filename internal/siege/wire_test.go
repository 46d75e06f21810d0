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

	"hpfriends/wire"
)

// A member's key subscribes to as many patterns as it can, and changes one after the other.
func TestPatterns(t *testing.T) {
	s := Begin(t, Walls{})
	var first, next []byte // made once: this process measures too
	for i := range 990 {
		first = wire.AppendSubscribe(first, s.Mallory.Ident, fmt.Sprintf("%s%d*", strings.Repeat("x", 200), i))
		text := fmt.Sprintf("%s%d*", strings.Repeat("y", 200), i)
		next = wire.AppendUnsubscribe(wire.AppendSubscribe(next, s.Mallory.Ident, text), s.Mallory.Ident, text)
	}
	s.Attack(func(ctx context.Context) {
		asMallory(ctx, s, 300, func(c net.Conn) {
			_ = c.(*net.TCPConn).SetWriteBuffer(64 << 10) // filling buffers of megabytes is work for this process only
			go func() { _, _ = io.Copy(io.Discard, c) }()
			_, err := c.Write(first)
			for err == nil {
				_, err = c.Write(next)
			}
		})
	})
}

// Strangers from 64 addresses say what is for those who are in, before they are: guesses of secrets one behind the
// other, messages and subscriptions without a login, and frames of no kind, as much as the port takes of each.
func TestBeforeAuth(t *testing.T) {
	s := Begin(t, Walls{})
	var guesses, requests, garbage []byte
	for i := range 1000 {
		ident := fmt.Sprint("guess", i%50)
		guesses = wire.AppendAuth(guesses, ident, wire.Digest(nil, []byte(ident)))
		requests = wire.AppendPublish(requests, ident, "somewhere", []byte(strings.Repeat("x", 500)))
		requests = wire.AppendSubscribe(requests, ident, "somewhere")
		garbage = append(garbage, 0, 0, 0, 13, byte(i), 'g', 'a', 'r', 'b', 'a', 'g', 'e', '!')
	}
	all := [][]byte{guesses, requests, garbage, []byte(strings.Repeat("\xff", 1000))}
	var tries atomic.Uint64
	lasted := s.Attack(func(ctx context.Context) {
		var strangers sync.WaitGroup
		for i := range 64 {
			strangers.Go(func() {
				for n := i; ctx.Err() == nil; n++ {
					c, err := from(ctx, s.Hpfeeds, i, 64)
					if err != nil {
						continue
					}
					stop := context.AfterFunc(ctx, func() { _ = c.Close() })
					_ = c.(*net.TCPConn).SetLinger(0)
					if _, err = c.Write(all[n%len(all)]); err == nil {
						_, _ = io.Copy(io.Discard, io.LimitReader(c, 1<<10))
					}
					stop()
					_ = c.Close()
					tries.Add(1)
				}
			})
		}
		strangers.Wait()
	})
	t.Logf("%d connections", tries.Load())
	if most := uint64(64 * (20 + 10*lasted.Seconds())); tries.Load() > most { // their answers are held back
		t.Errorf("%d connections were answered, want at most %d", tries.Load(), most)
	}
}
