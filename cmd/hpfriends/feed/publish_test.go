package feed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	timerate "golang.org/x/time/rate"

	"hpfriends/internal/cmdline"
	"hpfriends/internal/feedtest"
	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

// countingBroker confirms messages as a broker of ours does.
type countingBroker struct {
	addr string

	mu   sync.Mutex
	most int      // it ends the connection at the message after so many, unconfirmed; 0: never
	mute int      // it confirms so many and no more; 0: all, -1: none
	got  []string // payloads
	came chan int // how many there are, with each
}

type countingConn struct {
	broker    *countingBroker
	session   *wire.Session
	published int
}

func startCountingBroker(t *testing.T) *countingBroker {
	t.Helper()
	b := &countingBroker{came: make(chan int, 1<<16)}
	s, err := wire.NewServer(wire.Config{Name: "hpfriends"}, b)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.addr = l.Addr().String()
	served := make(chan error, 1)
	go func() { served <- s.Serve(t.Context(), l, wire.Endpoint{}) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := errors.Join(s.Shutdown(ctx), <-served); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (*countingBroker) OldSecret(string) []byte { return nil }

func (b *countingBroker) Secret(string, netip.Addr) ([]byte, error) { return []byte("s"), nil }
func (b *countingBroker) Refused(wire.Refusal)                      {}
func (c *countingConn) Unsubscribe(string)                          {}
func (c *countingConn) Close()                                      {}

func (b *countingBroker) Open(s *wire.Session, _ string, _ wire.Conn) (wire.Conn, error) {
	return &countingConn{broker: b, session: s}, nil
}

func (c *countingConn) Subscribe(string) error { return c.count() }

func (c *countingConn) count() error {
	n := c.published
	if most := c.broker.mute; most != 0 {
		n = min(n, max(most, 0))
	}
	return c.session.Send(net.Buffers{wire.AppendPublish(nil, "k", subscription.Acks, fmt.Append(nil, n))})
}

func (c *countingConn) Publish(_ string, frames []byte, n int) error {
	c.broker.mu.Lock()
	defer c.broker.mu.Unlock()
	for len(frames) > 0 {
		size, _ := wire.Header(frames)
		_, _, payload, err := wire.ParsePublish(frames[:size])
		if err != nil {
			return err
		}
		c.broker.got = append(c.broker.got, string(payload))
		c.broker.came <- len(c.broker.got)
		if c.broker.most > 0 && len(c.broker.got) > c.broker.most {
			err := c.count()
			c.session.Close(nil)
			return err
		}
		c.published++
		frames = frames[size:]
	}
	return c.count()
}

// payloads are what has come.
func (b *countingBroker) payloads() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.got)
}

// await waits until the broker has so many messages.
func (b *countingBroker) await(t *testing.T, n int) {
	t.Helper()
	for {
		select {
		case got := <-b.came:
			if got >= n {
				return
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("the broker did not get %d messages", n)
		}
	}
}

// lines is a publication of what r has.
func (b *countingBroker) lines(r io.Reader) Publication {
	stdin := &input{from: r}
	return Publication{
		Dial:     wire.DialConfig{Addr: b.addr, Ident: "k", Secret: []byte("s")},
		Channels: []string{"c"}, Payloads: lineContents(stdin), Count: 1, Rate: timerate.Inf, stdin: stdin,
		Wait: Patience{5 * time.Second, time.Second},
	}
}

func exitOf(err error) (int, string) {
	if err == nil {
		return 0, ""
	}
	return cmdline.Explain(err)
}

func numbers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintln(&b, i)
	}
	return b.String()
}

// Before, each of these ended with 0.
func TestUnconfirmedIsNoSuccess(t *testing.T) {
	for _, c := range []struct {
		name       string
		most, mute int
		count      int
		says       []string
	}{
		{"the connection ends", 3, 0, 1, []string{"connection", "lost", "3 of ", "--skip 3"}},
		{"before anything was confirmed", 0, -1, 1, []string{"no verdict", "0 of 1 "}},
		{"confirmations stop", 0, 4, 1, []string{"no verdict", "4 of 9 ", "may have arrived", "--skip 4"}},
		{"many of one payload", 20, 0, 9, []string{"20 of ", "--skip 20"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := startCountingBroker(t)
			b.most, b.mute = c.most, c.mute
			p := b.lines(strings.NewReader(numbers(9)))
			p.Count, p.Rate = c.count, 2000 // so that each is a write of its own
			if c.mute != 0 {
				p.Wait.Confirm = 50 * time.Millisecond
			}
			code, text := exitOf(p.run(t.Context()))
			if code != cmdline.ExitUnavailable {
				t.Errorf("exit %d", code)
			}
			for _, want := range c.says {
				if !strings.Contains(text, want) {
					t.Errorf("%q does not say %q", text, want)
				}
			}
		})
	}
}

// A publication that failed goes on with what is not confirmed, by --resume or by --skip.
func TestPublicationGoesOn(t *testing.T) {
	b := startCountingBroker(t)
	path := filepath.Join(t.TempDir(), "state")
	publish := func(most int, text string) (int, string) {
		b.mu.Lock()
		b.most = most
		b.mu.Unlock()
		p := b.lines(strings.NewReader(text))
		if err := p.resumeFrom(path, false); err != nil {
			t.Fatal(err)
		}
		return exitOf(p.run(t.Context()))
	}
	code, text := publish(300, numbers(1000))
	if code != cmdline.ExitUnavailable || !strings.Contains(text, "the same command") {
		t.Errorf("exit %d, %s", code, text)
	}
	confirmed, err := openResumeFile(path)
	if err != nil || confirmed.begun.Confirmed < 1 || confirmed.begun.Confirmed > 300 {
		t.Fatalf("the file says %+v, %v", confirmed, err)
	}
	if code, text := publish(0, numbers(1000)[2:]); code != cmdline.ExitConflict || len(b.payloads()) != 301 {
		t.Errorf("with another input: exit %d, %s, %d messages", code, text, len(b.payloads()))
	}
	sent := len(b.payloads())
	if code, text := publish(0, numbers(1000)); code != 0 {
		t.Errorf("exit %d, %s", code, text)
	}
	want := strings.Fields(numbers(1000))
	if !slices.Equal(b.payloads()[sent:], want[confirmed.begun.Confirmed:]) {
		t.Errorf("%d were confirmed, and it went on with %q", confirmed.begun.Confirmed, b.payloads()[sent:][:1])
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file after the end: %v", err)
	}
	p := b.lines(strings.NewReader(numbers(10)))
	p.skip = 7
	before := len(b.payloads())
	if err := p.run(t.Context()); err != nil || !slices.Equal(b.payloads()[before:], []string{"7", "8", "9"}) {
		t.Errorf("--skip 7: %v, %q", err, b.payloads()[before:])
	}
	p = b.lines(strings.NewReader(numbers(10)))
	p.skip = 11
	if code, _ := exitOf(p.run(t.Context())); code != cmdline.ExitFailed {
		t.Errorf("--skip 11 of 10 lines: exit %d", code)
	}
}

// A publisher that waits for its input sends what it has, and ends with the connection, and on Ctrl-C at once: what is
// sent by then is confirmed still.
func TestWaitingForInput(t *testing.T) {
	for _, lost := range []bool{true, false} {
		b := startCountingBroker(t)
		if lost {
			b.most = 2
		}
		in, feeding := net.Pipe() // nobody ends it
		defer feeding.Close()
		ctx, interrupt := context.WithCancel(t.Context())
		defer interrupt()
		go func() {
			_, _ = io.WriteString(feeding, "one\ntwo\nhalf")
			b.await(t, 2)
			if lost {
				_, _ = io.WriteString(feeding, " a line\n")
			} else {
				interrupt()
			}
		}()
		code, text := exitOf(b.lines(in).run(ctx))
		want := cmdline.ExitInterrupted
		if lost {
			want = cmdline.ExitUnavailable
		}
		if code != want || !strings.Contains(text, "--skip 2") || slices.Contains(b.payloads(), "half") {
			t.Errorf("lost %v: exit %d, %s, %q", lost, code, text, b.payloads())
		}
	}
}

// A broker holds back that it refuses a login, longer with each failure and longer than a publisher would wait for a
// confirmation. Before, it was told that nothing is known.
func TestRefusedLoginIsToldHoweverLate(t *testing.T) {
	b := startCountingBroker(t)
	var code int
	var text string
	for wait := 20 * time.Millisecond; ; wait *= 2 { // for the greeting; the refusal is held back for longer
		p := b.lines(strings.NewReader("x"))
		p.Dial.Secret, p.Wait = []byte("wrong"), Patience{wait, wait}
		if code, text = exitOf(p.run(t.Context())); !strings.Contains(text, "did not greet") || wait > time.Second {
			break
		}
	}
	if code != cmdline.ExitDenied || !strings.Contains(text, "refused") {
		t.Errorf("exit %d, %s", code, text)
	}
	var out bytes.Buffer
	p := b.lines(nil)
	p.Dial.Secret = []byte("wrong")
	r := reception{dial: p.Dial, channels: p.Channels, format: formatText, out: &out, notes: &out}
	early, late := r, r
	early.timeout = time.Millisecond
	if code, text := exitOf(early.run(t.Context())); code != cmdline.ExitUnavailable || !strings.Contains(text, "login") {
		t.Errorf("sub whose time is over before: exit %d, %s", code, text)
	}
	late.dial.Secret, late.timeout = []byte("s"), 200*time.Millisecond
	if err := late.run(t.Context()); err != nil || out.Len() > 0 {
		t.Errorf("sub whose login was accepted, and nothing came: %v, %s", err, &out)
	}
	if loginTimeout <= wire.MaxRefusalDelay {
		t.Errorf("a login is waited for for %s, and may take %s", loginTimeout, wire.MaxRefusalDelay)
	}
}

// A file that cannot be read ends a publication: what came before is confirmed and told.
func TestUnreadableContent(t *testing.T) {
	b := startCountingBroker(t)
	good := filepath.Join(t.TempDir(), "good")
	if err := os.WriteFile(good, []byte("good"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := b.lines(nil)
	p.Payloads = FileContents([]string{good, "/nonexistent"}, nil)
	code, text := exitOf(p.run(t.Context()))
	if code != cmdline.ExitFailed || !strings.Contains(text, "nonexistent") || !strings.Contains(text, "1 of 1 ") {
		t.Errorf("exit %d, %s", code, text)
	}
	var got []string
	for line, err := range lineContents(io.MultiReader(strings.NewReader("a\r\n\nhalf"), &failingReader{})) {
		got = append(got, string(line)+" "+strconv.FormatBool(err == nil))
	}
	if want := []string{"a true", " true", " false"}; !slices.Equal(got, want) {
		t.Errorf("lines and the error: %q, want %q", got, want)
	}
}

type failingReader struct{}

func (*failingReader) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }

// To a broker that confirms nothing, it says so once; to one of ours it says nothing.
func TestNothingIsConfirmed(t *testing.T) {
	ours, other := startCountingBroker(t), feedtest.StartEchoBroker(t)
	for _, addr := range []string{ours.addr, other.Addr} {
		var notes bytes.Buffer
		p := ours.lines(strings.NewReader(numbers(3)))
		p.Dial.Addr, p.notes = addr, &notes
		if addr == other.Addr {
			p.Dial.Secret = []byte("secret of k")
		}
		err := p.run(t.Context())
		told := strings.Count(notes.String(), "confirms nothing")
		if err != nil || told != map[string]int{ours.addr: 0, other.Addr: 1}[addr] {
			t.Errorf("%v, and it is told %d times: %s", err, told, &notes)
		}
	}
}

// With a rate above what timers can wake for, the rate is reached; with a low one, no two messages go at once.
func TestRateIsReached(t *testing.T) {
	for rate, burst := range map[timerate.Limit]int{0.5: 1, 100: 1, 4000: 40, timerate.Inf: 1} {
		if got := newLimiter(rate); got.Burst() != burst || got.Limit() != rate {
			t.Errorf("at %v/s, %d at once: want %d", rate, got.Burst(), burst)
		}
	}
}
