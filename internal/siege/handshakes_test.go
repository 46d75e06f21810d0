package siege

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// hello is what a client of TLS begins with. Whoever sends it again pays nothing for it, and the server a handshake.
func (s *Siege) hello() (record []byte) {
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	tc := s.tls.Clone()
	tc.ServerName = "127.0.0.1"
	go func() { _ = tls.Client(here, tc).Handshake() }()
	record = make([]byte, 16<<10)
	n, err := there.Read(record)
	if err != nil {
		s.t.Fatal(err)
	}
	return record[:n]
}

// greet begins handshakes from so many addresses, and leaves when the server has done its part.
func greet(ctx context.Context, address string, hello []byte, addresses int) (done int64) {
	var all sync.WaitGroup
	var begun atomic.Int64
	for i := range addresses {
		all.Go(func() {
			for ctx.Err() == nil {
				c, err := from(ctx, address, i, addresses)
				if err != nil {
					continue
				}
				_ = c.SetDeadline(time.Now().Add(time.Second))
				_, err = c.Write(hello)
				if err == nil {
					_, err = c.Read(make([]byte, 1))
				}
				if err == nil {
					begun.Add(1)
				}
				_ = c.(*net.TCPConn).SetLinger(0)
				_ = c.Close()
			}
		})
	}
	all.Wait()
	return begun.Load()
}

// Strangers begin handshakes of TLS, on both ports at once, for which they compute nothing. Without turns the admin
// waits for 11 s and messages for 0.7 s.
func TestHandshakes(t *testing.T) {
	s := Begin(t, Walls{TLS: true, Flags: []string{"--hpfeeds", "tls:port=0:interface=127.0.0.1"}})
	hello := s.hello()
	var begun atomic.Int64
	s.Attack(func(ctx context.Context) {
		var all sync.WaitGroup
		for _, address := range []string{s.HTTP, s.Encrypted} {
			all.Go(func() { begun.Add(greet(ctx, address, hello, 150)) })
		}
		all.Wait()
	})
	t.Logf("%d handshakes", begun.Load())
}
