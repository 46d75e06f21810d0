package siege

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"hpfriends/internal/load"
	"hpfriends/wire"
)

// A member's key subscribes to as many patterns as it can, and changes one after the other.
func TestPatterns(t *testing.T) {
	s := Begin(t, Walls{})
	s.Attack(func(ctx context.Context) {
		asMallory(ctx, s, 300, func(c net.Conn) {
			go func() { _, _ = io.Copy(io.Discard, c) }()
			var frames []byte
			for i := range 990 {
				frames = wire.AppendSubscribe(frames, s.Mallory.Ident, fmt.Sprintf("%s%d*", strings.Repeat("x", 200), i))
			}
			_, err := c.Write(frames)
			for i := 0; err == nil; i++ {
				text := fmt.Sprintf("%s%d*", strings.Repeat("y", 200), i)
				_, err = c.Write(wire.AppendUnsubscribe(
					wire.AppendSubscribe(nil, s.Mallory.Ident, text), s.Mallory.Ident, text))
			}
		})
	})
}

// A member's key begins large messages on as many connections as it can, and finishes none.
func TestUnfinishedMessages(t *testing.T) {
	s := Begin(t, Walls{})
	s.Attack(func(ctx context.Context) {
		asMallory(ctx, s, 600, func(c net.Conn) {
			frame := wire.AppendPublish(nil, s.Mallory.Ident, "large", make([]byte, 9<<20))
			binary.BigEndian.PutUint32(frame, uint32(len(frame)+4096))
			_, err := c.Write(frame)
			for err == nil && ctx.Err() == nil {
				_, err = c.Read(make([]byte, 100))
			}
		})
	})
}

// A member watches the presence on channels that he subscribes to all the time, on many connections.
func TestPresence(t *testing.T) {
	s := Begin(t, Walls{})
	prefix := strings.Repeat("p", 200)
	s.Attack(func(ctx context.Context) {
		go crowd(ctx, 10, func(ctx context.Context, n int) (net.Conn, error) {
			c, err := load.Login(ctx, s.Hpfeeds, s.Mallory)
			if err != nil {
				return nil, err
			}
			if n >= 10 {
				time.Sleep(time.Second)
			}
			go func() { _, _ = io.Copy(io.Discard, c) }()
			var frames []byte
			for i := range 100 {
				frames = wire.AppendSubscribe(frames, s.Mallory.Ident, fmt.Sprintf("%s%d..broker", prefix, n%10*100+i))
			}
			_, err = c.Write(frames)
			return c, err
		})
		asMallory(ctx, s, 100, func(c net.Conn) {
			go func() { _, _ = io.Copy(io.Discard, c) }()
			for ctx.Err() == nil {
				var frames []byte
				for i := range 200 {
					frames = wire.AppendSubscribe(frames, s.Mallory.Ident, prefix[:i]+"*")
				}
				for i := range 200 {
					frames = wire.AppendUnsubscribe(frames, s.Mallory.Ident, prefix[:i]+"*")
				}
				if _, err := c.Write(frames); err != nil {
					return
				}
			}
		})
	})
}

// A member's key claims durable subscriptions all the time, on many connections.
func TestDurables(t *testing.T) {
	s := Begin(t, Walls{})
	s.Attack(func(ctx context.Context) {
		for ctx.Err() == nil {
			asMallory(ctx, s, 100, func(c net.Conn) {
				go func() { _, _ = io.Copy(io.Discard, c) }()
				for i := range 990 {
					text := fmt.Sprintf("c?durable=n%d", i%100)
					frames := wire.AppendSubscribe(nil, s.Mallory.Ident, text)
					if _, err := c.Write(wire.AppendUnsubscribe(frames, s.Mallory.Ident, text)); err != nil {
						return
					}
				}
			})
		}
	})
}
