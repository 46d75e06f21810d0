package wire

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestErrorArrivesWithUnreadInputPending: closing a socket with unread input resets it, and the peer loses the ERROR.
func TestErrorArrivesWithUnreadInputPending(t *testing.T) {
	t.Parallel()
	f := start(t, Config{})
	for _, ident := range []string{"alice", "bob", "carol"} { // each for its first time, so that the answer comes soon
		p := f.dial()
		p.send(AppendAuth(nil, ident, Digest(p.nonce, []byte("x"))), make([]byte, 200<<10))
		time.Sleep(20 * time.Millisecond) // it reads later
		p.wantError("Authentication failed.")
		p.wantClosed()
	}
}

func TestFarewellIsBounded(t *testing.T) {
	t.Parallel()
	f := start(t, Config{})
	p := f.login("alice")
	go func() { // sends for ever
		junk := make([]byte, 64<<10)
		for {
			if _, err := p.Write(junk); err != nil {
				return
			}
		}
	}()
	f.eventually("the session ends", func() bool { return f.server.Sessions() == 0 && len(f.hub.refused()) == 1 })
	q := f.login("alice")
	q.send([]byte{0, 0, 0, 0, 3})
	q.wantError("Malformed message.") // and stays, without closing
	f.eventually("the session ends", func() bool { return f.server.Sessions() == 0 })
}

func TestAuthTimeout(t *testing.T) {
	t.Parallel()
	f := start(t, Config{AuthTimeout: 150 * time.Millisecond, FrameTimeout: time.Hour})
	quiet, loris, good := f.dial(), f.dial(), f.login("bob")
	begin := time.Now()
	go func() {
		for _, b := range loris.auth("alice") { // each byte well within the time
			if _, err := loris.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	loris.wantError("Timed out.")
	loris.wantClosed()
	quiet.wantClosed()
	if d := time.Since(begin); d < 100*time.Millisecond || d > 2*time.Second {
		t.Errorf("timed out after %s, want 150 ms", d)
	}
	if r := f.hub.refused(); len(r) != 1 || r[0].Reason != ReasonTimeout {
		t.Errorf("reported %v, want one timeout: a silent connection is none", r)
	}
	good.wantSilence(200 * time.Millisecond)
	good.wantOpen()
}

// TestFrameTimeout: a frame that never completes ends the connection, however lively its sender is.
func TestFrameTimeout(t *testing.T) {
	t.Parallel()
	f := start(t, Config{FrameTimeout: 200 * time.Millisecond})
	p := f.login("alice")
	begin := time.Now()
	p.send(p.publish("c", "x"), header(1000, OpPublish))
	go func() {
		for range 300 {
			if _, err := p.Write([]byte{0}); err != nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	p.wantError("Timed out. Of a frame less than 1024 bytes a second came for 200ms.")
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("timed out after %s: what trickles in moves the deadline", d)
	}
	p.wantClosed()
}

// TestSlowFrameThatFlowsIsTaken: a frame may take many times FrameTimeout as long as its bytes keep coming.
func TestSlowFrameThatFlowsIsTaken(t *testing.T) {
	t.Parallel()
	f := start(t, Config{FrameTimeout: 250 * time.Millisecond})
	p := f.login("alice")
	frame := p.publish("c", string(make([]byte, 24<<10)))
	for rest := frame; len(rest) > 0; { // four times the least rate at which it may come
		n := min(len(rest), 100)
		p.send(rest[:n])
		rest = rest[n:]
		time.Sleep(5 * time.Millisecond)
	}
	p.wantOpen()
	if m := f.hub.messages(); len(m) == 0 || len(m[0].Payload) != 24<<10 {
		t.Errorf("published are %d messages", len(m))
	}
}

func TestManyFramesEachInTimeAreNoSlowFrame(t *testing.T) {
	t.Parallel()
	f := start(t, Config{FrameTimeout: 300 * time.Millisecond})
	p := f.login("alice")
	m := p.publish("c", "whole")
	p.send(m[:7])
	for range 40 { // there is always a frame that has begun
		p.send(m[7:], m[:7])
		time.Sleep(20 * time.Millisecond)
	}
	p.send(m[7:])
	p.wantOpen()
}

func TestLargeBufferIsGivenBack(t *testing.T) {
	t.Parallel()
	f := start(t, Config{})
	p := f.login("alice")
	p.send(p.publish("c", string(make([]byte, 1<<20))))
	p.send(bytes.Repeat(p.publish("c", "x"), 10_000))
	f.eventually("all are published", func() bool { return len(f.hub.messages()) == 10_001 })
	time.Sleep(quietAfter + 200*time.Millisecond)
	p.send(p.publish("d", "wakes it, and tells that the reader is past its buffer"))
	f.eventually("it is published", func() bool { return len(f.hub.messages()) == 10_002 })
	p.Close()
	f.eventually("the session ends", func() bool { return f.server.Sessions() == 0 })
	if f.hub.conns()[0].session.reader.awaits == awaitQuiet {
		t.Error("the buffer was not given back while the connection was quiet")
	}
}

func TestBackPressureHoldsTheSenderAndEndsWithTheSession(t *testing.T) {
	t.Parallel()
	f := start(t, Config{})
	hold := make(chan struct{})
	f.hub.hold = hold
	p := f.login("alice")
	m := p.publish("c", string(make([]byte, 10_000)))
	sent := 0
	_ = p.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
	for ; sent < 10_000; sent++ {
		if _, err := p.Write(m); errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
	}
	if sent == 10_000 {
		t.Fatal("100 MB were taken from a sender that is held back")
	}
	other := f.login("bob")
	other.send(AppendSubscribe(nil, "bob", "forbidden"))
	other.wantError("Authkey not allowed to subscribe here. chan=forbidden")
	// The fixture's Shutdown ends the one that waits in Publish.
}

// TestNothingIsHandledAfterClose: what has arrived with the frame during which a broker revoked the connection.
func TestNothingIsHandledAfterClose(t *testing.T) {
	f := start(t, Config{})
	p := f.dial()
	p.send(p.auth("alice"), p.publish("closes", "1"), p.publish("c", "2"))
	p.wantClosed()
	if m := f.hub.messages(); len(m) != 1 || m[0].Channel != "closes" {
		t.Errorf("published %q", m)
	}
}

func TestReservedChannelsAreTheBrokersToDecide(t *testing.T) {
	f := start(t, Config{})
	p := f.login("alice")
	p.send(AppendSubscribe(nil, "alice", "$acks"), p.publish("$acks", "x"))
	p.wantMessage("alice", "$acks", "x")
}

func TestCloseWithReason(t *testing.T) {
	f := start(t, Config{})
	p := f.login("alice")
	p.wantOpen()
	s := f.hub.conns()[0].session
	revoked := errors.New("Authkey was removed.")
	s.Close(revoked)
	s.Close(errors.New("too late"))
	p.wantError("Authkey was removed.")
	p.wantClosed()
	if err := context.Cause(s.Context()); err != revoked {
		t.Errorf("cause of the context is %v, want the reason", err)
	}
	if err := s.Send(net.Buffers{[]byte("x")}); err == nil {
		t.Error("Send works after Close")
	}
	if s.Ident() != "alice" || !s.Remote().Addr().Is4() || s.BytesIn() == 0 || s.BytesOut() == 0 ||
		s.Endpoint().Nonce != 4 {
		t.Errorf("session of %q from %s on %s, %d bytes in, %d out", s.Ident(), s.Remote(), s.Endpoint(), s.BytesIn(),
			s.BytesOut())
	}
}

func TestShutdownIsOrderedAndSilent(t *testing.T) {
	h := &hub{}
	s, err := NewServer(Config{}, h)
	if err != nil {
		t.Fatal(err)
	}
	l, err := Endpoint{Interface: "127.0.0.1", Nonce: 4}.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(t.Context(), l, Endpoint{Nonce: 4}) }()
	f := &fixture{T: t, hub: h, server: s, addr: l.Addr().String()}
	peers := []*peer{f.login("alice"), f.login("bob"), f.dial()}
	f.eventually("two are logged in", func() bool { return len(h.conns()) == 2 })
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(ctx) }()
	for _, p := range peers {
		p.wantClosed() // and no ERROR before: some clients die of it
		p.Close()
	}
	if err := errors.Join(<-ended, <-served); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	for _, c := range h.conns() {
		if c.closed != 1 {
			t.Errorf("conn of %s closed %d times", c.ident, c.closed)
		}
	}
	if _, err := net.Dial("tcp", f.addr); err == nil {
		t.Error("still listening")
	}
	if err := s.Serve(t.Context(), l, Endpoint{}); err != nil {
		t.Errorf("Serve after Shutdown: %v", err)
	}
}

func TestShutdownDropsWhoDoesNotEnd(t *testing.T) {
	f := start(t, Config{})
	p := f.login("alice")
	p.wantOpen()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.server.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("shutdown with no time: %v, want context.Canceled", err)
	}
	if n := f.server.Sessions(); n != 0 {
		t.Errorf("%d sessions left", n)
	}
}

func TestServeEndsWithItsContextAndSessionsGoOn(t *testing.T) {
	f := start(t, Config{})
	l, err := Endpoint{Interface: "127.0.0.1", Nonce: 20}.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- f.server.Serve(ctx, l, Endpoint{Nonce: 20}) }()
	second := &fixture{T: t, hub: f.hub, server: f.server, addr: l.Addr().String()}
	p := second.login("alice")
	p.wantOpen()
	cancel()
	if err := <-served; err != nil {
		t.Errorf("serve: %v", err)
	}
	p.wantOpen()
}

// TestFuzzCorporaAreNotEmpty: a fuzz target without seeds tests nothing.
func TestFuzzCorporaAreNotEmpty(t *testing.T) {
	for _, name := range []string{"FuzzFrames", "FuzzServerSession"} {
		seeds, err := filepath.Glob(filepath.Join("testdata", "fuzz", name, "*"))
		if err != nil || len(seeds) < 5 {
			t.Errorf("%s has %d seeds (%v), want at least 5", name, len(seeds), err)
		}
	}
}

func TestRunEndsBeforeWhatIsNotOfIt(t *testing.T) {
	const most = 100
	frame := func(ident, channel string, size int) []byte {
		return AppendPublish(nil, ident, channel, make([]byte, size))
	}
	first := frame("alice", "c", 10)
	for what, next := range map[string][]byte{
		"another channel":        frame("alice", "d", 10),
		"a longer channel":       frame("alice", "cc", 10),
		"another ident":          frame("bob  ", "c", 10),
		"a border moved":         append(header(24, OpPublish, 7), "alice\x01c\x00----------"...),
		"SUBSCRIBE":              append(header(uint32(len(first)), OpSubscribe), first[HeaderLen:]...),
		"too large":              frame("alice", "c", most+1),
		"not complete":           frame("alice", "c", 10)[:20],
		"shorter than its names": append(header(8, OpPublish), first[HeaderLen:]...),
		"length 0":               append(header(0, OpPublish), first[HeaderLen:]...),
		"length 2^32-1":          append(header(1<<32-1, OpPublish), first[HeaderLen:]...),
		"half a header":          {0, 0, 0},
		"nothing":                nil,
	} {
		b := slices.Concat(first, frame("alice", "c", 0), frame("alice", "c", most), next)
		if n := len(next); n >= HeaderLen && what != "not complete" {
			b = append(b, first...)
		}
		want := len(first) + len(frame("alice", "c", 0)) + len(frame("alice", "c", most))
		used, count := cutRun(b, len(first), len(first)-10, most)
		if used != want || count != 3 {
			t.Errorf("%s: run of %d frames, %d bytes, want 3 and %d", what, count, used, want)
		}
	}
}

// A run is stored as one: large frames are not put together, however many of them a buffer has.
func TestRunIsBounded(t *testing.T) {
	large := AppendPublish(nil, "alice", "c", make([]byte, maxRun*2/3))
	head := len(large) - maxRun*2/3
	if used, count := cutRun(slices.Concat(large, large), len(large), head, maxRun); used != len(large) || count != 1 {
		t.Errorf("run of %d frames, %d bytes", count, used)
	}
}

func TestReadBufferGrowsWithWhatArrivesOnly(t *testing.T) {
	const frame = 1 << 20
	var b readBuffer
	in := &stepReader{step: 1000}
	for arrived := 0; arrived < frame; arrived = len(b.buffered()) {
		if size := len(b.buf); size > max(smallBuffer, 2*arrived+1000) {
			t.Fatalf("buffer of %d bytes after %d of %d", size, arrived, frame)
		}
		in.step = min(1000, frame-arrived)
		if _, err := b.fill(in, frame); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.buf) > frame {
		t.Errorf("buffer of %d bytes for a frame of %d", len(b.buf), frame)
	}
	if want := slices.Repeat([]byte{'x'}, frame); !bytes.Equal(b.buffered(), want) {
		t.Error("what arrived is not what waits")
	}
	b.discard(frame)
	in.step = 1
	if _, err := b.fill(in, 0); err != nil || len(b.buf) != loadBuffer {
		t.Errorf("buffer of %d bytes after a large frame, want %d (%v)", len(b.buf), loadBuffer, err)
	}
}

type stepReader struct{ step int }

func (r *stepReader) Read(b []byte) (int, error) {
	n := min(r.step, len(b))
	for i := range b[:n] {
		b[i] = 'x'
	}
	if n == 0 {
		return 0, io.ErrShortBuffer
	}
	return n, nil
}
