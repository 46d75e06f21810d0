package siege

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// Strangers send the most of a body that a request may have, and never its end: 200 MB a second, so that it is not the
// network's work that is measured.
func TestUnfinishedBodies(t *testing.T) {
	const size = 1 << 20
	s := Begin(t, Walls{})
	most := strings.Repeat("x", size-1000)
	s.Attack(func(ctx context.Context) {
		every := time.NewTicker(5 * time.Millisecond)
		defer every.Stop()
		crowd(ctx, 3000, func(ctx context.Context, i int) (net.Conn, error) {
			<-every.C
			c, err := from(ctx, s.HTTP, i, 16)
			if err == nil {
				_ = c.SetWriteDeadline(time.Now().Add(time.Second))
				_, err = fmt.Fprintf(c, "POST /login HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n"+
					"Content-Type: application/x-www-form-urlencoded\r\n\r\nuser=root&password=%s", s.HTTP, size, most)
			}
			return c, err
		})
	})
}
