package wire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// hub is a Broker in memory. Every ident that starts with a letter from a to m has the secret "secret-" + ident and the
// owner that is its first letter. Everybody may use any channel that does not begin with "forbidden".
type hub struct {
	mu        sync.Mutex
	published []Message
	refusals  []Refusal
	opened    []*hubConn
	subs      map[string]map[*hubConn]bool
	hold      chan struct{} // Publish waits for it, if set
}

type hubConn struct {
	hub     *hub
	session *Session
	ident   string
	closed  int // times
	wrong   error
	finish  bool // what PeerFinished said in Close
}

var errBackend = errors.New("table is locked")

func (*hub) OldSecret(string) []byte { return nil }

func (h *hub) Secret(ident string, addr netip.Addr) ([]byte, error) {
	switch {
	case !addr.IsValid() || addr.Is4In6():
		return nil, fmt.Errorf("address %s", addr)
	case ident == "broken":
		return nil, errBackend
	case ident == "disabled":
		return nil, fmt.Errorf("expired: %w", ErrKeyDisabled)
	case ident == "empty":
		return nil, nil
	case ident == "" || ident[0] < 'a' || ident[0] > 'm':
		return nil, ErrUnknownIdent
	}
	return []byte("secret-" + ident), nil
}

func (h *hub) Open(s *Session, ident string, previous Conn) (Conn, error) {
	if s.Ident() != ident {
		return nil, fmt.Errorf("session says %q", s.Ident())
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if previous != nil && previous.(*hubConn).ident[0] != ident[0] {
		return nil, ErrKeyDisabled
	}
	s.ChargeTo(uint64(ident[0])) // its owner
	c := &hubConn{hub: h, session: s, ident: ident}
	h.opened = append(h.opened, c)
	return c, nil
}

func (h *hub) Refused(r Refusal) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refusals = append(h.refusals, r)
}

func (c *hubConn) Publish(channel string, frames []byte, n int) error {
	if strings.HasPrefix(channel, "forbidden") {
		return &Refused{Reason: ReasonNoPub}
	}
	if channel == "closes" {
		c.session.Close(nil)
	}
	h := c.hub
	h.mu.Lock()
	hold := h.hold
	h.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-c.session.Context().Done():
			return context.Cause(c.session.Context())
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	all := frames
	for ; n > 0; n-- {
		size, _ := Header(frames)
		ident, ch, payload, err := ParsePublish(frames[:size])
		if err != nil || string(ident) != c.ident || string(ch) != channel {
			c.wrong = fmt.Errorf("run on %q has a frame of %q on %q (%v)", channel, ident, ch, err)
			return c.wrong
		}
		h.published = append(h.published, Message{string(ident), channel, append([]byte(nil), payload...)})
		frames = frames[size:]
	}
	if len(frames) > 0 {
		c.wrong = fmt.Errorf("%d bytes behind a run", len(frames))
	}
	for s := range h.subs[channel] {
		if err := s.session.Send(net.Buffers{all}); err != nil {
			delete(h.subs[channel], s)
		}
	}
	return nil
}

func (c *hubConn) Subscribe(channel string) error {
	if strings.HasPrefix(channel, "forbidden") {
		return &Refused{Reason: ReasonNoSub}
	}
	if strings.HasPrefix(channel, "explained") {
		return &Refused{Reason: ReasonNoSub, Text: "Not today."}
	}
	if strings.HasPrefix(channel, "fatal") {
		return errors.New("Gone for good.")
	}
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	if c.hub.subs == nil {
		c.hub.subs = make(map[string]map[*hubConn]bool)
	}
	if c.hub.subs[channel] == nil {
		c.hub.subs[channel] = make(map[*hubConn]bool)
	}
	c.hub.subs[channel][c] = true
	return nil
}

func (c *hubConn) Unsubscribe(channel string) {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	delete(c.hub.subs[channel], c)
}

func (c *hubConn) Close() {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	c.closed++
	c.finish = c.session.PeerFinished()
	for _, s := range c.hub.subs {
		delete(s, c)
	}
}

func (h *hub) messages() []Message {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Message(nil), h.published...)
}

func (h *hub) refused() []Refusal {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Refusal(nil), h.refusals...)
}

func (h *hub) conns() []*hubConn {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]*hubConn(nil), h.opened...)
}

// fixture is a server on a real socket.
type fixture struct {
	*testing.T
	hub    *hub
	server *Server
	addr   string
}

func start(t *testing.T, c Config) *fixture {
	t.Helper()
	return startOn(t, c, Endpoint{Interface: "127.0.0.1", Nonce: 4})
}

func startOn(t *testing.T, c Config, e Endpoint) *fixture {
	t.Helper()
	h := &hub{}
	s, err := NewServer(c, h)
	if err != nil {
		t.Fatal(err)
	}
	l, err := e.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(context.Background(), l, e) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
		for _, c := range h.conns() {
			if c.closed != 1 || c.wrong != nil {
				t.Errorf("conn of %s was closed %d times, want 1; its runs: %v", c.ident, c.closed, c.wrong)
			}
		}
	})
	return &fixture{T: t, hub: h, server: s, addr: l.Addr().String()}
}

// eventually waits for cond, which another goroutine makes true.
func (f *fixture) eventually(what string, cond func() bool) {
	f.Helper()
	for range 2500 {
		if cond() {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	f.Fatalf("not after 5 s: %s", what)
}

// peer is a client that does exactly what it is told.
type peer struct {
	*fixture
	*net.TCPConn
	in    *bufio.Reader
	ident string
	nonce []byte
}

// connect connects and reads nothing.
func (f *fixture) connect() *peer {
	f.Helper()
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { c.Close() })
	return &peer{fixture: f, TCPConn: c.(*net.TCPConn), in: bufio.NewReader(c)}
}

// dial connects and reads INFO.
func (f *fixture) dial() *peer {
	f.Helper()
	p := f.connect()
	var err error
	_, p.nonce, err = ParseInfo(p.frame())
	if err != nil {
		f.Fatal(err)
	}
	return p
}

func (f *fixture) login(ident string) *peer {
	f.Helper()
	p := f.dial()
	p.send(p.auth(ident))
	return p
}

// auth is the AUTH frame of a good login.
func (p *peer) auth(ident string) []byte {
	p.ident = ident
	return AppendAuth(nil, ident, Digest(p.nonce, []byte("secret-"+ident)))
}

func (p *peer) send(frames ...[]byte) {
	p.Helper()
	var all []byte
	for _, f := range frames {
		all = append(all, f...)
	}
	if _, err := p.Write(all); err != nil {
		p.Fatal(err)
	}
}

func (p *peer) publish(channel, payload string) []byte {
	return AppendPublish(nil, p.ident, channel, []byte(payload))
}

func (p *peer) read() ([]byte, error) {
	_ = p.SetReadDeadline(time.Now().Add(5 * time.Second))
	head, err := p.in.Peek(HeaderLen)
	if err != nil {
		return nil, err
	}
	n, _ := Header(head)
	frame := make([]byte, n)
	_, err = io.ReadFull(p.in, frame)
	return frame, err
}

func (p *peer) frame() []byte {
	p.Helper()
	frame, err := p.read()
	if err != nil {
		p.Fatalf("waiting for a frame: %v", err)
	}
	return frame
}

func (p *peer) wantMessage(ident, channel, payload string) {
	p.Helper()
	frame := p.frame()
	i, c, b, err := ParsePublish(frame)
	if err != nil || string(i) != ident || string(c) != channel || string(b) != payload {
		p.Fatalf("got %q on %q from %q (frame %q, %v), want %q on %q from %q", b, c, i, frame, err, payload, channel, ident)
	}
}

func (p *peer) wantError(text string) {
	p.Helper()
	frame := p.frame()
	if got, err := ParseError(frame); err != nil || string(got) != text {
		p.Fatalf("got %q (%v), want ERROR %q", frame, err, text)
	}
}

// wantClosed wants an orderly end: a reset would have thrown away an ERROR before it.
func (p *peer) wantClosed() {
	p.Helper()
	if frame, err := p.read(); err != io.EOF {
		p.Fatalf("got frame %q, error %v, want the end", frame, err)
	}
}

// wantOpen wants the connection to work in both directions.
func (p *peer) wantOpen() {
	p.Helper()
	p.send(AppendSubscribe(nil, p.ident, "ping"), p.publish("ping", "pong"))
	p.wantMessage(p.ident, "ping", "pong")
	p.send(AppendUnsubscribe(nil, p.ident, "ping"))
}

// wantSilence wants nothing to arrive for a while.
func (p *peer) wantSilence(d time.Duration) {
	p.Helper()
	_ = p.SetReadDeadline(time.Now().Add(d))
	if b, err := p.in.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
		p.Fatalf("got %q, error %v, want nothing", b, err)
	}
}
