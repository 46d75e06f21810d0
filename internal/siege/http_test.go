package siege

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// stranger is a client at one of 64 addresses. Whoever makes it closes what it leaves open: the server would keep that
// for two minutes.
func (s *Siege) stranger(i int) *http.Client {
	return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return from(ctx, s.HTTP, i, 64) },
	}}
}

// Strangers ask whether the node is ready, as fast as they can.
func TestReadinessFlood(t *testing.T) {
	s := Begin(t, Walls{})
	var asked atomic.Int64
	s.Attack(func(ctx context.Context) {
		var all sync.WaitGroup
		for i := range 64 {
			all.Go(func() {
				c := s.stranger(i)
				defer c.CloseIdleConnections()
				for ctx.Err() == nil {
					r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url("/readyz"), nil)
					if err != nil {
						return
					}
					if a, err := c.Do(r); err == nil {
						_, _ = io.Copy(io.Discard, a.Body)
						_ = a.Body.Close()
						asked.Add(1)
					}
				}
			})
		}
		all.Wait()
	})
	t.Logf("%d answers", asked.Load())
}
