package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// recorder keeps what a Client reports.
type recorder struct {
	mu        sync.Mutex
	messages  []string
	failures  []error
	connected []string
}

func (r *recorder) config(addr, ident, secret string) ClientConfig {
	note := func(f func()) {
		r.mu.Lock()
		defer r.mu.Unlock()
		f()
	}
	return ClientConfig{
		DialConfig: DialConfig{Addr: addr, Ident: ident, Secret: []byte(secret)},
		Backoff:    Backoff{Min: 10 * time.Millisecond, Max: 50 * time.Millisecond},
		Receive: func(m Message) {
			note(func() { r.messages = append(r.messages, fmt.Sprintf("%s %s %s", m.Ident, m.Channel, m.Payload)) })
		},
		Connected: func(b string) { note(func() { r.connected = append(r.connected, b) }) },
		Failed:    func(err error) { note(func() { r.failures = append(r.failures, err) }) },
	}
}

func (r *recorder) received() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.messages, "\n")
}

// run runs a client until the test ends.
func (f *fixture) run(c ClientConfig) *Client {
	f.Helper()
	client, err := NewClient(c)
	if err != nil {
		f.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- client.Run(ctx) }()
	f.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			f.Errorf("Run: %v", err)
		}
	})
	return client
}

func TestClientReconnectsAndSubscribesAgain(t *testing.T) {
	f := start(t, Config{Name: "@test"})
	r := &recorder{}
	c := f.run(r.config(f.addr, "alice", "secret-alice"))
	ctx := t.Context()
	for _, err := range []error{c.Subscribe(ctx, "kept"), c.Subscribe(ctx, "dropped"),
		c.Publish(ctx, "kept", []byte("1"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	f.eventually("the first message", func() bool { return strings.Contains(r.received(), "alice kept 1") })
	if c.BrokerName() != "@test" {
		t.Errorf("broker is %q", c.BrokerName())
	}
	if err := c.Unsubscribe(ctx, "dropped"); err != nil {
		t.Fatal(err)
	}
	f.hub.conns()[0].session.Close(errors.New("Revoked."))
	f.eventually("the second connection", func() bool { return len(f.hub.conns()) == 2 })
	f.eventually("the second subscription", func() bool {
		f.hub.mu.Lock()
		defer f.hub.mu.Unlock()
		return len(f.hub.subs["kept"]) == 1
	})
	if err := errors.Join(c.Publish(ctx, "dropped", []byte("2")), c.Publish(ctx, "kept", []byte("3"))); err != nil {
		t.Fatal(err)
	}
	f.eventually("the third message", func() bool { return strings.Contains(r.received(), "alice kept 3") })
	if got := r.received(); got != "alice kept 1\nalice kept 3" {
		t.Errorf("received %q", got)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var said *BrokerError
	if len(r.failures) < 2 || !errors.As(r.failures[0], &said) || said.Text != "Revoked." ||
		!errors.Is(r.failures[1], io.EOF) {
		t.Errorf("failures are %v, want the ERROR and then the end", r.failures)
	}
	if len(r.connected) != 2 || r.connected[1] != "@test" {
		t.Errorf("connected to %v", r.connected)
	}
}

func TestClientReportsARefusedLogin(t *testing.T) {
	f := start(t, Config{Compat: Reference})
	r := &recorder{}
	f.run(r.config(f.addr, "alice", "wrong"))
	f.eventually("two failures", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return len(r.failures) > 1 })
	r.mu.Lock()
	defer r.mu.Unlock()
	if got := r.failures[0].Error(); got != `broker says "Authentication failed for alice"` {
		t.Errorf("first failure is %s", got)
	}
}

func TestClientPublishWaitsForAConnection(t *testing.T) {
	f := start(t, Config{})
	c, err := NewClient((&recorder{}).config(f.addr, "alice", "secret-alice"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := c.Publish(ctx, "c", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("publishing before Run: %v", err)
	}
	for what, err := range map[string]error{
		"empty channel":      c.Publish(ctx, "", nil),
		"long channel":       c.Publish(ctx, strings.Repeat("c", 256), nil),
		"empty subscription": c.Subscribe(ctx, ""),
		"long subscription":  c.Subscribe(ctx, strings.Repeat("c", MaxSubscribeLen)),
	} {
		if err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, ident := range []string{"", strings.Repeat("i", 256)} {
		if _, err := NewClient((&recorder{}).config(f.addr, ident, "x")); err == nil {
			t.Errorf("ident of %d bytes is taken", len(ident))
		}
	}
}

// TestClientPublishEndsWithItsContext: the broker does not read, and half a frame is sent.
func TestClientPublishEndsWithItsContext(t *testing.T) {
	f := start(t, Config{})
	hold := make(chan struct{})
	f.hub.hold = hold
	c := f.run((&recorder{}).config(f.addr, "alice", "secret-alice"))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var err error
	for range 100 {
		if err = c.Publish(ctx, "c", make([]byte, 1<<20)); err != nil {
			break
		}
	}
	if err == nil {
		t.Fatal("100 MB were taken by a broker that does not read")
	}
	f.hub.mu.Lock()
	f.hub.hold = nil
	f.hub.mu.Unlock()
	close(hold)
	if err := c.Publish(t.Context(), "d", []byte("on a new connection")); err != nil {
		t.Fatal(err)
	}
	f.eventually("it is published", func() bool {
		return slices.ContainsFunc(f.hub.messages(), func(m Message) bool { return m.Channel == "d" })
	})
}

func TestDialRefusesWhatIsNoBroker(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	greetings := []string{"HTTP/1.1 400 Bad Request\r\n\r\n", "", string(AppendError(nil, "busy")),
		string(AppendPublish(nil, "i", "c", nil)), "\x00\x00\x00\x05\x01"}
	wants := []string{"unknown message type", "EOF", `broker says "busy"`, "no hpfeeds broker", "malformed"}
	go func() {
		for _, g := range greetings {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, g)
			c.Close()
		}
		for { // the others hear nothing
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
		}
	}()
	for i, want := range wants {
		_, err := Dial(t.Context(), DialConfig{Addr: l.Addr().String(), Ident: "alice"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("greeting %q: %v, want %q", greetings[i], err, want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = Dial(ctx, DialConfig{Addr: l.Addr().String(), Ident: "alice"})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a silent broker: %v", err)
	}
	_, err = Dial(t.Context(), DialConfig{Addr: l.Addr().String(), Ident: "alice", Timeout: 50 * time.Millisecond})
	if want := "log in to " + l.Addr().String() + ": the broker did not greet within 50ms: if this is its port for TLS, " +
		"connect with TLS"; err == nil || err.Error() != want {
		t.Errorf("a silent broker: %v, want %q", err, want)
	}
}

// TestClientTakesAnEmptyError: 5 bytes, which one client never handles until more arrives.
func TestClientTakesAnEmptyError(t *testing.T) {
	a, b := net.Pipe()
	c := &ClientConn{conn: a}
	go func() { _, _ = b.Write(AppendError(nil, "")) }()
	if frame, err := c.ReadFrame(); err != nil || len(frame) != 5 {
		t.Errorf("got %q, %v", frame, err)
	}
	go func() { _, _ = b.Write([]byte{0, 0, 0}); b.Close() }()
	if _, err := c.ReadFrame(); err != io.ErrUnexpectedEOF {
		t.Errorf("torn frame: %v", err)
	}
}

func TestBackoffGrowsWithJitter(t *testing.T) {
	b := Backoff{}.withDefaults()
	for failures, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 6: 32 * time.Second,
		7: time.Minute, 1000: time.Minute} {
		different := make(map[time.Duration]bool)
		for range 50 {
			d := b.wait(failures)
			if d < want/2 || d > want {
				t.Errorf("after %d failures: %s, want %s to %s", failures, d, want/2, want)
			}
			different[d] = true
		}
		if len(different) < 10 {
			t.Errorf("after %d failures: no jitter", failures)
		}
	}
}

func TestClientWithoutBrokerTriesSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		config := r.config("127.0.0.1:0", "alice", "x") // refused at once
		config.Backoff = Backoff{}
		c, err := NewClient(config)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		if err := c.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if n := len(r.failures); n < 10 || n > 30 {
			t.Errorf("%d attempts in ten minutes", n)
		}
	})
}
