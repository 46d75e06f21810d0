package wire

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"hpfriends/internal/crowd"
)

// TestIdleConnectionCosts: memory of an authenticated connection that is quiet, after it was busy. It includes the
// client's end of the socket, which is in this process too.
func TestIdleConnectionCosts(t *testing.T) {
	most := int64(10 << 10)
	if raceEnabled { // which takes 4 KiB for what it knows of each
		most = 16 << 10
	}
	n := 500
	f := start(t, Config{})
	f.connections(1) // warms up
	before := heap()
	conns := f.connections(n)
	f.eventually("all have published", func() bool { return len(f.hub.messages()) == (n+1)*busyMessages })
	busy := heap() - before
	f.hub.mu.Lock()
	f.hub.published = nil
	f.hub.mu.Unlock()
	time.Sleep(quietAfter + 300*time.Millisecond)
	each := (heap() - before) / int64(n)
	t.Logf("%d bytes for each of %d quiet connections, %d when they were busy", each, n, busy/int64(n))
	if each > most {
		t.Errorf("%d bytes for each quiet connection, at most %d", each, most)
	}
	if len(conns) != n || f.server.Sessions() != n+1 {
		t.Errorf("%d sessions", f.server.Sessions())
	}
}

const busyMessages = 100

// connections logs in n times and lets each publish more than a small buffer holds.
func (f *fixture) connections(n int) []net.Conn {
	all := make([]net.Conn, n)
	frames := bytes.Repeat(AppendPublish(nil, "alice", "c", make([]byte, 200)), busyMessages)
	for i := range all {
		c, err := net.Dial("tcp", f.addr)
		if err != nil {
			f.Fatal(err)
		}
		f.Cleanup(func() { c.Close() })
		info := make([]byte, 5+1+9+4)
		if _, err := io.ReadFull(c, info); err != nil {
			f.Fatal(err)
		}
		out := AppendAuth(nil, "alice", Digest(info[len(info)-4:], []byte("secret-alice")))
		if _, err := c.Write(append(out, frames...)); err != nil {
			f.Fatal(err)
		}
		all[i] = c
	}
	return all
}

// sink is a Broker that takes everything and keeps nothing.
type sink struct{ messages, runs, bytes int }

func (*sink) OldSecret(string) []byte { return nil }

func (s *sink) Secret(ident string, _ netip.Addr) ([]byte, error) {
	return []byte("secret-" + ident), nil
}
func (s *sink) Open(*Session, string, Conn) (Conn, error) { return s, nil }
func (s *sink) Refused(Refusal)                           {}
func (s *sink) Subscribe(string) error                    { return nil }
func (s *sink) Unsubscribe(string)                        {}
func (s *sink) Close()                                    {}

func (s *sink) Publish(_ string, frames []byte, n int) error {
	s.messages += n
	s.runs++
	s.bytes += len(frames)
	return nil
}

// script is a connection whose peer logs in and then sends given bytes, in reads of at most step, so that what is
// measured and fuzzed is the session and not the kernel.
type script struct {
	net.Conn // nil: what is not overridden is not used
	data     []byte
	step     int
	ident    string // logs in first, unless empty
	auth     []byte
	written  []byte
}

func (c *script) Read(b []byte) (int, error) {
	b = b[:min(len(b), c.step)]
	n := copy(b, c.auth)
	c.auth = c.auth[n:]
	m := copy(b[n:], c.data)
	c.data = c.data[m:]
	if n+m == 0 {
		return 0, io.EOF
	}
	return n + m, nil
}

func (c *script) Write(b []byte) (int, error) {
	if c.written == nil && c.ident != "" { // INFO
		_, nonce, _ := ParseInfo(b)
		c.auth = AppendAuth(nil, c.ident, Digest(nonce, []byte("secret-"+c.ident)))
	}
	c.written = append(c.written, b...)
	return len(b), nil
}

func (c *script) Close() error                     { return nil }
func (c *script) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 4711} }
func (c *script) SetDeadline(time.Time) error      { return nil }
func (c *script) SetReadDeadline(time.Time) error  { return nil }
func (c *script) SetWriteDeadline(time.Time) error { return nil }

// play runs a whole session of a script in the caller's goroutine.
func play(t testing.TB, s *Server, c *script) *Session {
	s.limiter.admit(crowd.Address(remoteOf(c).Addr()), time.Now())
	ses := newSession(s, arrivalOf(c), &Endpoint{Nonce: 4}, nil)
	ses.reader.seat = s.limiter.pending.Enter(ses.remote.Addr(), func() {})
	ses.run()
	ses.reader.seat.Leave()
	s.limiter.release(crowd.Address(ses.remote.Addr()), ses.reader.conn != nil)
	return ses
}

func TestRunsAreCutWithoutAllocating(t *testing.T) {
	b := &sink{}
	s, err := NewServer(Config{}, b)
	if err != nil {
		t.Fatal(err)
	}
	const n = 10_000
	one := AppendPublish(nil, "alice", "c", make([]byte, 256))
	session := func(data []byte) float64 {
		return testing.AllocsPerRun(5, func() { play(t, s, &script{data: data, step: loadBuffer, ident: "alice"}) })
	}
	least := session(one)
	*b = sink{}
	allocs := session(bytes.Repeat(one, n))
	t.Logf("%.0f allocations for a session of one frame, %.0f for one of %d in %d runs", least, allocs, n, b.runs/6)
	if allocs > least+20 { // the buffer grows
		t.Errorf("%.0f allocations for a session of one frame, %.0f for one of %d", least, allocs, n)
	}
	if b.messages != 6*n || b.runs > 6*n/100 {
		t.Errorf("%d messages in %d runs, want %d in few", b.messages, b.runs, 6*n)
	}
}

// BenchmarkSession is what cutting costs for each frame, without the kernel.
func BenchmarkSession(b *testing.B) {
	for _, size := range []int{256, 1024, 64 << 10} {
		for _, channels := range []int{1, 5} {
			b.Run(strconv.Itoa(size)+"B/"+strconv.Itoa(channels)+"channels", func(b *testing.B) {
				count := (16 << 20) / size
				var data []byte
				for i := range count {
					data = AppendPublish(data, "alice", "channel-"+strconv.Itoa(i%channels), make([]byte, size))
				}
				s, err := NewServer(Config{}, &sink{})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				b.SetBytes(int64(len(data) / count))
				b.ResetTimer()
				for n := 0; n < b.N; n += count {
					play(b, s, &script{data: data, step: loadBuffer, ident: "alice"})
				}
			})
		}
	}
}

// BenchmarkSocket is the same through a loopback socket, with the sender on the same machine.
func BenchmarkSocket(b *testing.B) {
	k := &sink{}
	s, err := NewServer(Config{}, k)
	if err != nil {
		b.Fatal(err)
	}
	l, err := Endpoint{Interface: "127.0.0.1"}.Listen(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = s.Serve(context.Background(), l, Endpoint{}) }()
	c, err := Dial(b.Context(), DialConfig{Addr: l.Addr().String(), Ident: "alice", Secret: []byte("secret-alice")})
	if err != nil {
		b.Fatal(err)
	}
	const batch = 400
	frames := bytes.Repeat(AppendPublish(nil, "alice", "c", make([]byte, 256)), batch)
	b.SetBytes(int64(len(frames) / batch))
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += batch {
		if _, err := c.Write(frames); err != nil {
			b.Fatal(err)
		}
	}
	_ = c.CloseWrite()
	for s.Sessions() > 0 {
		time.Sleep(time.Millisecond)
	}
	_ = s.Shutdown(b.Context())
	if k.messages < b.N {
		b.Fatalf("%d messages of %d", k.messages, b.N)
	}
}
