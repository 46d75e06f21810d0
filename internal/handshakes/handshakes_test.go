package handshakes

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hpfriends/internal/certtest"
	"hpfriends/internal/crowd"
)

var address = netip.MustParseAddr("192.0.2.1")

// pair is both ends of a connection, of which the server's passes a gate.
func pair(g *Gate) (client net.Conn, server *conn) {
	client, below := net.Pipe()
	return client, g.Conn(below, address).(*conn)
}

// overTCP is a pair whose ends have buffers.
func overTCP(t *testing.T, g *Gate) (client net.Conn, server *conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	below, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return client, g.Conn(below, address).(*conn)
}

// busy takes the only worker of a gate, until free is called.
func busy(t *testing.T, g *Gate) (free func()) {
	t.Helper()
	elsewhere := party{address: netip.MustParsePrefix("198.51.100.1/32")}
	if err := g.turns.Take(t.Context(), elsewhere); err != nil {
		t.Fatal(err)
	}
	return func() { g.turns.Give(elsewhere) }
}

// idle reports whether nobody has a turn of the only worker.
func idle(g *Gate) bool {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	time.AfterFunc(time.Millisecond, cancel)
	if g.turns.Take(ctx, party{}) != nil {
		return false
	}
	g.turns.Give(party{})
	return true
}

// What is expensive is done with a turn, in all versions of TLS, when the hello is said twice and when it comes byte by
// byte; and afterwards nobody has one.
func TestWhatIsComputedHasATurn(t *testing.T) {
	cert := certtest.Make(t, &x509.Certificate{DNSNames: []string{"localhost"}}, nil)
	for what, client := range map[string]*tls.Config{
		"TLS 1.3":          {},
		"TLS 1.2":          {MaxVersion: tls.VersionTLS12},
		"the hello, twice": {CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256}},
	} {
		t.Run(what, func(t *testing.T) {
			g := newGate(1, 10)
			here, there := overTCP(t, g)
			asked := 0
			has := func(what string) {
				there.mu.Lock()
				defer there.mu.Unlock()
				if asked++; there.turn == nil {
					t.Errorf("%s without a turn", what)
				}
			}
			tc := &tls.Config{
				CurvePreferences: []tls.CurveID{tls.CurveP256},
				GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
					has("a certificate")
					return &cert, nil
				},
				VerifyConnection: func(s tls.ConnectionState) error {
					if s.Version == tls.VersionTLS12 {
						has("the agreement on a key")
					}
					return nil
				},
			}
			client.InsecureSkipVerify = true
			served := make(chan struct{})
			go func() {
				s := tls.Server(there, tc)
				_, _ = io.Copy(s, io.LimitReader(s, 4))
				_ = s.Close()
				close(served)
			}()
			c := tls.Client(slow{here}, client)
			if _, err := c.Write([]byte("ping")); err != nil {
				t.Fatal(err)
			}
			b := make([]byte, 4)
			if _, err := io.ReadFull(c, b); err != nil || string(b) != "ping" {
				t.Fatalf("%q, %v", b, err)
			}
			_ = here.Close()
			<-served
			if asked == 0 || !idle(g) {
				t.Errorf("asked %d times; afterwards nobody has a turn: %t", asked, idle(g))
			}
		})
	}
}

// slow writes byte by byte.
type slow struct{ net.Conn }

func (s slow) Write(p []byte) (n int, err error) {
	for n = range p {
		if _, err := s.Conn.Write(p[n : n+1]); err != nil {
			return n, err
		}
	}
	return len(p), nil
}

// A record is a whole handshake for these tests.
var record = []byte{typeHandshake, 3, 1, 0, 1, 1}

// Who has a turn and is closed has none, and who waits for one stops to wait.
func TestWaitingEnds(t *testing.T) {
	for what, end := range map[string]struct {
		do   func(c *conn)
		want error
	}{
		"closed":       {func(c *conn) { _ = c.Close() }, net.ErrClosed},
		"deadline":     {func(c *conn) { _ = c.SetDeadline(time.Now()) }, os.ErrDeadlineExceeded},
		"too long":     {func(*conn) { time.Sleep(maxWait) }, errLong},
		"many come":    {func(c *conn) { fillRoom(c.gate) }, ErrCrowded},
		"it is served": {nil, nil},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGate(1, 10)
				free := busy(t, g)
				here, there := pair(g)
				go func() { _, _ = here.Write(record) }()
				got := make(chan error, 1)
				go func() {
					_, err := there.Read(make([]byte, 100))
					got <- err
				}()
				synctest.Wait()
				if end.do == nil {
					free()
				} else {
					end.do(there)
				}
				if err := <-got; !errors.Is(err, end.want) {
					t.Errorf("%v, want %v", err, end.want)
				}
				if end.do == nil {
					if idle(g) {
						t.Error("it is served without a turn")
					}
					_ = there.Close()
				} else {
					free()
				}
				if !idle(g) {
					t.Error("a turn is left")
				}
				_ = here.Close()
			})
		})
	}
}

// fillRoom fills the room of those who wait, from the address that waits already.
func fillRoom(g *Gate) {
	for range 10 {
		g.waiting.Enter(address, func() {})
	}
}

// Somebody else has a turn after each of a flood's, not after all of them.
func TestAddressesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1, 100)
		free := busy(t, g)
		order := make(chan netip.Addr, 100)
		other := netip.MustParseAddr("203.0.113.9")
		for i := range 51 {
			from := address
			if i == 50 {
				from = other
			}
			here, below := net.Pipe()
			c := g.Conn(below, from)
			go func() { _, _ = here.Write(record) }()
			go func() {
				_, _ = c.Read(make([]byte, 100))
				order <- from
				_ = c.Close()
			}()
			synctest.Wait()
		}
		free()
		if first, second := <-order, <-order; first != other && second != other {
			t.Error("one address waits for all handshakes of another one")
		}
		for range 49 {
			<-order
		}
	})
}

func TestRecordsInAnyPieces(t *testing.T) {
	var stream []byte
	for _, kind := range []byte{typeHandshake, 20, typeHandshake} {
		stream = append(append(stream, kind, 3, 3, 0, 7), make([]byte, 7)...)
	}
	stream = append(stream, typeData, 3, 3, 0, 200, typeHandshake)
	for size := 1; size <= len(stream); size++ {
		var r records
		last := 0 // where a record of the handshake has ended
		for at := 0; at < len(stream); at += size {
			if r.take(stream[at:min(at+size, len(stream))]) {
				last = at + size
			}
		}
		if last < 36 || last >= 36+size || !r.data {
			t.Errorf("in pieces of %d: the last ended at %d, want 36; data %t", size, last, r.data)
		}
	}
}

func TestNoGateIsOpen(t *testing.T) {
	c, _ := net.Pipe()
	if got := (*Gate)(nil).Conn(c, address); got != c {
		t.Errorf("%T", got)
	}
}

// A paced connection has a turn for whatever comes, for a moment; a deadline that ends the wait takes nothing away of
// what has come.
func TestPacedConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1, 10)
		here, below := net.Pipe()
		c := g.Paced(below, address).(*conn)
		say := func() { _, _ = here.Write([]byte("plain")) }
		b := make([]byte, 100)
		go say()
		if n, err := c.Read(b); n != 5 || err != nil || idle(g) {
			t.Fatalf("%d bytes, %v, without a turn: %t", n, err, idle(g))
		}
		time.Sleep(maxTurn)
		synctest.Wait()
		if !idle(g) {
			t.Errorf("the turn lasts longer than %v", maxTurn)
		}
		free := busy(t, g)
		go say()
		go func() {
			synctest.Wait()
			_ = c.SetReadDeadline(time.Unix(1, 0))
		}()
		if n, err := c.Read(b); n != 5 || err != nil {
			t.Errorf("when the wait is ended: %d bytes, %v", n, err)
		}
		free()
		_, _ = c.Close(), here.Close()
	})
}

// numbered is an address of a network.
func numbered(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32)
}

// A request has a turn until it is answered, until it rests, or for a moment.
func TestTurnOfARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1, 10)
		for answer, rests := range map[time.Duration]bool{maxTurn / 2: false, maxTurn / 4: true, 2 * maxTurn: false} {
			in, end, err := g.Turn(t.Context(), address)
			if err != nil || idle(g) {
				t.Fatalf("%v, without a turn: %t", err, idle(g))
			}
			time.Sleep(answer)
			if rests {
				Rest(in)
			}
			synctest.Wait()
			if got := idle(g); got != (answer > maxTurn || rests) {
				t.Errorf("after %v nobody has a turn: %t", answer, got)
			}
			end()
			end()
			if !idle(g) {
				t.Error("a turn is left")
			}
		}
	})
}

// Who has proven themselves waits for one stranger, however many there are and however much they themselves have had;
// and of strangers one has a turn after each of them.
func TestWhoIsKnownWaitsForOneStranger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1, 1000)
		free := busy(t, g)
		g.Know(address)
		g.known.Add(crowd.Address(address), time.Hour, time.Now())
		var order []bool // whether it was who is known; one at a time
		var all sync.WaitGroup
		for i := range 200 {
			from, known := numbered(i<<8).Addr(), i >= 190
			if known {
				from = address
			}
			all.Go(func() {
				_, end, err := g.Turn(t.Context(), from)
				if err != nil {
					t.Error(err)
					return
				}
				order = append(order, known)
				end()
			})
			synctest.Wait()
		}
		free()
		all.Wait()
		for i, known := range order {
			if want := i < 20 && i%2 == 0; known != want {
				t.Fatalf("turn %d is of who is known: %t, want %t", i, known, want)
			}
		}
	})
}

// An address is known for a day at least, is forgotten in time, and no number of them takes more memory than that.
func TestPlacesAreForgotten(t *testing.T) {
	var k places
	now, here := time.Unix(1e9, 0), numbered(0)
	k.add(here, now)
	for _, step := range []struct {
		after time.Duration
		want  bool
	}{{keepPlace, true}, {keepPlace + 1, true}, {2*keepPlace + 2, false}} {
		k.add(numbered(1), now.Add(step.after))
		if got := k.has(here); got != step.want {
			t.Errorf("after %v it is known: %t", step.after, got)
		}
	}
	for i := range 4 * maxPlaces {
		k.add(numbered(i), now)
	}
	if n := len(k.newer) + len(k.older); n > 2*maxPlaces || !k.has(numbered(4*maxPlaces-1)) {
		t.Errorf("%d addresses", n)
	}
}
