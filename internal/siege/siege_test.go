package siege

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"hpfriends/internal/load"
	"hpfriends/internal/proc"
	"hpfriends/wire"
)

func TestMain(m *testing.M) {
	code := m.Run()
	proc.RemoveBuilt()
	os.Exit(code)
}

// crowd opens connections until ctx is done, at most so many at a time, and closes them.
func crowd(ctx context.Context, most int, open func(ctx context.Context, i int) (net.Conn, error)) {
	var all []net.Conn
	for i := 0; ctx.Err() == nil; i++ {
		if len(all) >= most {
			_ = all[0].Close()
			all = all[1:]
		}
		c, err := open(ctx, i)
		if err != nil {
			select {
			case <-time.After(time.Millisecond):
			case <-ctx.Done():
			}
			continue
		}
		all = append(all, c)
	}
	for _, c := range all {
		_ = c.Close()
	}
}

// from dials from the i-th of so many loopback addresses.
func from(ctx context.Context, address string, i, of int) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, byte(1+i%of), 1)}, Timeout: time.Second}
	return d.DialContext(ctx, "tcp", address)
}

// Idle connections to HTTP, from one address and from many.
func TestIdleConnections(t *testing.T) {
	s := Begin(t, Walls{Files: 2048})
	s.Attack(func(ctx context.Context) {
		crowd(ctx, 6000, func(ctx context.Context, i int) (net.Conn, error) {
			return from(ctx, s.HTTP, i, 1+i%2*200)
		})
	})
}

// Requests that are never finished.
func TestHalfRequests(t *testing.T) {
	s := Begin(t, Walls{Files: 2048})
	s.Attack(func(ctx context.Context) {
		crowd(ctx, 6000, func(ctx context.Context, i int) (net.Conn, error) {
			c, err := from(ctx, s.HTTP, i, 5)
			if err == nil {
				_, err = fmt.Fprintf(c, "POST /login HTTP/1.1\r\nHost: %s\r\nContent-Length: 4096\r\n"+
					"Content-Type: application/x-www-form-urlencoded\r\n\r\nuser=root&password=", s.HTTP)
			}
			return c, err
		})
	})
}

// Connections from five addresses that never log in.
func TestSilentClients(t *testing.T) {
	s := Begin(t, Walls{})
	s.Attack(func(ctx context.Context) {
		logins := make(chan error, 1)
		go func() { // an honest client comes meanwhile
			time.Sleep(time.Second)
			for range 20 {
				c, err := load.Login(ctx, s.Hpfeeds, load.KeyOf("publisher0"))
				if err != nil {
					logins <- err
					return
				}
				_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
				if _, err := c.Read(make([]byte, 1)); err == nil || err == io.EOF {
					logins <- fmt.Errorf("refused: %v", err)
					return
				}
				_ = c.Close()
			}
			logins <- nil
		}()
		crowd(ctx, 3000, func(ctx context.Context, i int) (net.Conn, error) {
			c, err := from(ctx, s.Hpfeeds, i, 5)
			if err == nil {
				if _, err = greeting(c); err != nil { // turned away
					_ = c.Close()
				}
			}
			return c, err
		})
		if err := <-logins; err != nil {
			t.Errorf("an honest client cannot log in: %v", err)
		}
	})
}

// A member's key with as many subscribers as he can, none of which reads.
func TestSubscribersThatDoNotRead(t *testing.T) {
	s := Begin(t, Walls{})
	s.Attack(func(ctx context.Context) {
		go flood(ctx, s, "loud", 1000, 8)
		crowd(ctx, 3000, func(ctx context.Context, _ int) (net.Conn, error) {
			c, err := load.Subscribe(ctx, s.Hpfeeds, s.Mallory, "loud")
			if err == nil { // what the attacker's own kernel takes is not the server's
				_ = c.(*net.TCPConn).SetReadBuffer(64 << 10)
			}
			return c, err
		})
	})
}

// asMallory does something on some connections of his, until ctx is done.
func asMallory(ctx context.Context, s *Siege, connections int, do func(c net.Conn)) {
	var all sync.WaitGroup
	for range connections {
		all.Go(func() {
			c, err := load.Login(ctx, s.Hpfeeds, s.Mallory)
			if err != nil {
				return
			}
			defer context.AfterFunc(ctx, func() { _ = c.Close() })()
			defer c.Close()
			do(c)
		})
	}
	all.Wait()
}

// flood publishes as Mallory.
func flood(ctx context.Context, s *Siege, channel string, size, connections int) {
	asMallory(ctx, s, connections, func(c net.Conn) {
		payload := strings.Repeat("x", size)
		for every := time.NewTicker(2 * time.Millisecond); ctx.Err() == nil; <-every.C {
			if _, err := c.Write(wire.AppendPublish(nil, s.Mallory.Ident, channel, []byte(payload))); err != nil {
				return
			}
		}
	})
}

// A member's key replays all there is, over and over, on as many connections as he can.
func TestReplays(t *testing.T) {
	s := Begin(t, Walls{})
	fill, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	flood(fill, s, "loud", 4000, 8)
	s.Attack(func(ctx context.Context) {
		crowd(ctx, 1500, func(ctx context.Context, _ int) (net.Conn, error) {
			c, err := load.Subscribe(ctx, s.Hpfeeds, s.Mallory, "loud?from=first")
			if err == nil {
				go func() { _, _ = io.Copy(io.Discard, c) }()
			}
			return c, err
		})
	})
}

// One connection subscribes to the audit as often as it can, over and over.
func TestAudits(t *testing.T) {
	s := Begin(t, Walls{})
	s.Attack(func(ctx context.Context) {
		crowd(ctx, 20, func(ctx context.Context, _ int) (net.Conn, error) {
			c, err := load.Login(ctx, s.Hpfeeds, s.Mallory)
			if err != nil {
				return nil, err
			}
			go func() { _, _ = io.Copy(io.Discard, c) }()
			var frames []byte
			for i := range 990 {
				frames = wire.AppendSubscribe(frames, s.Mallory.Ident, fmt.Sprintf("$audit?from=%d", i+1))
			}
			_, err = c.Write(frames)
			return c, err
		})
	})
}

// Connections log in and subscribe over and over.
func TestLoginsOnOneConnection(t *testing.T) {
	s := Begin(t, Walls{})
	before := s.metric("hpfeeds_broker_connection_made_total")
	lasted := s.Attack(func(ctx context.Context) {
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				for ctx.Err() == nil {
					loginAgain(ctx, s)
				}
			})
		}
		all.Wait()
	})
	logins := s.metric("hpfeeds_broker_connection_made_total") - before
	most := (40_000+1000*lasted.Seconds())/50 + 100 // by the changes of subscriptions that a user has
	t.Logf("%.0f logins, at most %.0f", logins, most)
	if logins > most {
		t.Errorf("one member logs in %.0f times, want at most %.0f", logins, most)
	}
}

// loginAgain logs in and subscribes on one connection, until it is ended.
func loginAgain(ctx context.Context, s *Siege) {
	c, err := net.Dial("tcp", s.Hpfeeds)
	if err != nil {
		return
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	_ = c.(*net.TCPConn).SetWriteBuffer(64 << 10)
	nonce, err := greeting(c)
	go func() { _, _ = io.Copy(io.Discard, c) }()
	frames := wire.AppendAuth(nil, s.Mallory.Ident, wire.Digest(nonce, []byte(s.Mallory.Secret)))
	for i := range 50 {
		frames = wire.AppendSubscribe(frames, s.Mallory.Ident, fmt.Sprintf("channel%d", i))
	}
	for err == nil {
		_, err = c.Write(frames)
	}
}

func greeting(c net.Conn) (nonce []byte, err error) {
	r := bufio.NewReader(c)
	head, err := r.Peek(4)
	if err != nil {
		return nil, err
	}
	frame := make([]byte, int(head[2])<<8|int(head[3]))
	if _, err := io.ReadFull(r, frame); err != nil {
		return nil, err
	}
	_, nonce, err = wire.ParseInfo(frame)
	return nonce, err
}

// Wrong passwords for everybody, from many addresses.
func TestPasswordGuesses(t *testing.T) {
	s := Begin(t, Walls{})
	s.Attack(func(ctx context.Context) {
		var all sync.WaitGroup
		for i := range 64 {
			all.Go(func() {
				c := s.stranger(i)
				defer c.CloseIdleConnections()
				for n := 0; ctx.Err() == nil; n++ {
					form := url.Values{"user": {[]string{"root", "mallory", "publisher0"}[n%3]}, "password": {"wrong-horse-battery"}}
					r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url("/login"), strings.NewReader(form.Encode()))
					if err != nil {
						return
					}
					r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
					if a, err := c.Do(r); err == nil {
						_, _ = io.Copy(io.Discard, a.Body)
						_ = a.Body.Close()
					}
				}
			})
		}
		all.Wait()
	})
}
