package link

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hpfriends/internal/handshakes"
)

// switchboard is a network in memory: listeners by address.
type switchboard struct {
	mu        sync.Mutex
	listeners map[string]*pipeListener
}

type pipeListener struct {
	addr   string
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (s *switchboard) listen(addr string) net.Listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listeners == nil {
		s.listeners = map[string]*pipeListener{}
	}
	l := &pipeListener{addr: addr, conns: make(chan net.Conn), closed: make(chan struct{})}
	s.listeners[addr] = l
	return l
}

func (s *switchboard) dial(ctx context.Context, addr string) (net.Conn, error) {
	s.mu.Lock()
	l := s.listeners[addr]
	s.mu.Unlock()
	if l == nil {
		return nil, errors.New("no such address")
	}
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return advertised(l.addr) }

func TestHandshakeDeadlineHoldsWhateverArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var net switchboard
		id := bootstrap(t, clusterA, "n1")
		p, err := Open(Config{Identity: id, Listener: net.listen("n1:1"), Advertise: "n1:1",
			Members: &memberList{addrs: map[string]string{}}, Dial: net.dial})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		for name, drip := range map[string]time.Duration{"silent": 0, "a byte a second": time.Second,
			"a byte in 10 ms": 10 * time.Millisecond} {
			conn, err := net.dial(t.Context(), "n1:1")
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			var dripping sync.WaitGroup
			if drip > 0 {
				dripping.Go(func() {
					// a TLS record of 16 KiB, a byte at a time
					for _, b := range append([]byte{22, 3, 1, 0x40, 0}, bytes.Repeat([]byte{1}, 1<<14)...) {
						if _, err := conn.Write([]byte{b}); err != nil {
							return
						}
						time.Sleep(drip)
					}
				})
			}
			_, _ = io.Copy(io.Discard, conn)
			if took := time.Since(start); took > HandshakeTimeout || took < HandshakeTimeout-time.Second {
				t.Errorf("%s: closed after %v", name, took)
			}
			dripping.Wait()
		}
	})
}

func TestMembersConnectDuringAFloodOfHalfHandshakes(t *testing.T) {
	n1, n2, _ := pair(t, nil)
	var flood []net.Conn
	for range 3 * maxPending {
		conn, err := net.Dial("tcp", n2.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.Write([]byte{22, 3, 1})
		flood = append(flood, conn)
	}
	soon(t, "the flood is in", func() bool {
		if n2.pending.Len() > maxPending {
			t.Fatalf("%d handshakes are under way", n2.pending.Len())
		}
		return n2.pending.Len() == maxPending
	})
	start := time.Now()
	if _, err := n1.Call(within(t, 5*time.Second), "n2", 1, nil); err != nil || time.Since(start) > time.Second {
		t.Errorf("a member took %v: %v", time.Since(start), err)
	}
	flood[0].SetDeadline(time.Now().Add(time.Second))
	if _, err := flood[0].Read(make([]byte, 1)); isTimeout(err) {
		t.Error("the oldest of the flood is still open")
	}
}

// Whoever only opens connections takes none of the places of those who join.
func TestSilentJoinersKeepNobodyOut(t *testing.T) {
	r := &memberList{addrs: map[string]string{}}
	id := bootstrap(t, clusterA, "n1")
	token := newToken(t, id)
	n1 := open(t, id, r, func(c *Config) { c.Admission = admission(r, token) })
	for range 4 * maxJoins {
		conn, err := tls.Dial("tcp", n1.Addr().String(), &tls.Config{
			InsecureSkipVerify: true, NextProtos: []string{protoJoin}, MinVersion: tls.VersionTLS13,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	err := Join(within(t, 5*time.Second), Joining{
		Token: token, Addr: n1.Addr().String(), Node: "n2", Advertise: "h:1",
		Store: func(*Identity, Welcome) error { return nil },
	})
	if err != nil {
		t.Error(err)
	}
}

// The address of a member is no stranger's when it comes again; that of somebody who gets no further than TLS is.
func TestMemberMakesItsAddressKnown(t *testing.T) {
	gate, here := handshakes.New(), netip.MustParseAddr("127.0.0.1")
	n1, n2, r := pair(t, func(c *Config) { c.Handshakes = gate })
	addr, _ := r.Member("n1")
	conn, err := tls.Dial("tcp", addr, &tls.Config{
		InsecureSkipVerify: true, NextProtos: []string{protoJoin}, MinVersion: tls.VersionTLS13,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if gate.Knows(here) {
		t.Error("a handshake makes an address known")
	}
	if _, err := n2.Call(within(t, 5*time.Second), n1.Identity().Node, 7, nil); err != nil {
		t.Fatal(err)
	}
	if !gate.Knows(here) {
		t.Error("a member's address is not known")
	}
}
