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
