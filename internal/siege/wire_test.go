package siege

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"hpfriends/wire"
)

// A member's key subscribes to as many patterns as it can, and changes one after the other.
func TestPatterns(t *testing.T) {
	s := Begin(t, Walls{})
	s.Attack(func(ctx context.Context) {
		asMallory(ctx, s, 60, func(c net.Conn) {
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
