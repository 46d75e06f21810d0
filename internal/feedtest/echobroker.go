package feedtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"hpfriends/wire"
)

// EchoBroker gives every message to all its subscribers, without rights but for one channel.
type EchoBroker struct {
	Addr, Host, Port string
	server           *wire.Server

	mu         sync.Mutex
	conns      map[*echoConn]bool
	subscribed chan string // channels, as they are subscribed to
}

type echoConn struct {
	broker   *EchoBroker
	session  *wire.Session
	channels []string
}

const ClosedChannel = "forbidden"

func StartEchoBroker(t *testing.T) *EchoBroker { return StartEchoBrokerAt(t, wire.Endpoint{}) }

func StartEchoBrokerAt(t *testing.T, e wire.Endpoint) *EchoBroker {
	t.Helper()
	b := &EchoBroker{conns: make(map[*echoConn]bool), subscribed: make(chan string, 100)}
	var err error
	if b.server, err = wire.NewServer(wire.Config{Name: "echo"}, b); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.Addr = l.Addr().String()
	b.Host, b.Port, _ = net.SplitHostPort(b.Addr)
	served := make(chan error, 1)
	go func() { served <- b.server.Serve(t.Context(), l, e) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = b.server.Shutdown(ctx)
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return b
}

// OldSecret implements wire.Broker: there is none.
func (*EchoBroker) OldSecret(string) []byte { return nil }

func (b *EchoBroker) Secret(ident string, _ netip.Addr) ([]byte, error) {
	return []byte("secret of " + ident), nil
}

func (b *EchoBroker) Open(s *wire.Session, _ string, _ wire.Conn) (wire.Conn, error) {
	c := &echoConn{broker: b, session: s}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.conns[c] = true
	return c, nil
}

func (b *EchoBroker) Refused(wire.Refusal) {}

func (c *echoConn) Publish(channel string, frames []byte, _ int) error {
	if channel == ClosedChannel {
		return &wire.Refused{Reason: wire.ReasonNoPub}
	}
	c.broker.mu.Lock()
	defer c.broker.mu.Unlock()
	for to := range c.broker.conns {
		if slices.Contains(to.channels, channel) {
			_ = to.session.Send(net.Buffers{bytes.Clone(frames)})
		}
	}
	return nil
}

func (c *echoConn) Subscribe(channel string) error {
	if channel == ClosedChannel {
		return &wire.Refused{Reason: wire.ReasonNoSub}
	}
	c.broker.mu.Lock()
	c.channels = append(c.channels, channel)
	c.broker.mu.Unlock()
	c.broker.subscribed <- channel
	return nil
}

func (c *echoConn) Unsubscribe(string) {}

func (c *echoConn) Close() {
	c.broker.mu.Lock()
	defer c.broker.mu.Unlock()
	delete(c.broker.conns, c)
}

func (b *EchoBroker) AwaitSubscription(t *testing.T) {
	t.Helper()
	select {
	case <-b.subscribed:
	case <-time.After(5 * time.Second):
		t.Fatal("nobody subscribes")
	}
}

// CloseAll ends all connections: with an ERROR if there is a reason.
func (b *EchoBroker) CloseAll(reason error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.conns {
		c.session.Close(reason)
	}
}

// Publish publishes payloads on a channel as ident "me", and waits until the broker has them.
func (b *EchoBroker) Publish(t *testing.T, channel string, payloads ...string) {
	t.Helper()
	c, err := wire.Dial(t.Context(), wire.DialConfig{Addr: b.Addr, Ident: "me", Secret: []byte("secret of me")})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, p := range payloads {
		if err := c.Publish(channel, []byte(p)); err != nil {
			t.Fatal(err)
		}
	}
	_ = c.CloseWrite()
	if _, err := c.ReadFrame(); !errors.Is(err, io.EOF) {
		t.Fatalf("publishing ended with %v", err)
	}
}

// HostileMessages are what an attacker would have a terminal print.
var HostileMessages = []wire.Message{
	{Ident: "i", Channel: "c", Payload: []byte("\x1b]0;evil\x07\x1b[2J")},
	{Ident: "i\n", Channel: "c\x1b", Payload: []byte("\u009b31m\x7f\r\n\b")},
	{Ident: "i d", Channel: "a b", Payload: []byte("\u202egnp.exe \u200b \xff\xfe \U000e0041 \u2028")},
	{Ident: "\xff", Channel: "é\u0085", Payload: []byte("\x00\x1b")},
}

// CheckSafe fails the test if a line that was printed for a message is no UTF-8, or holds a character that a terminal
// acts on or that changes what is seen, but for those in keep.
func CheckSafe(t *testing.T, what string, m wire.Message, line []byte, keep string) {
	t.Helper()
	if !utf8.Valid(line) {
		t.Errorf("%s of %q is not UTF-8: %q", what, m.Payload, line)
	}
	for _, r := range strings.TrimSuffix(string(line), "\n") {
		if strings.ContainsRune(keep, r) {
			continue
		}
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x202e || r == 0x200b || r == 0xe0041 {
			t.Errorf("%s of %q prints %q: %q", what, m.Payload, r, line)
		}
	}
}
