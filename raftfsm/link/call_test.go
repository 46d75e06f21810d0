package link

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestCallsGoBothWaysAndNameTheCaller(t *testing.T) {
	n1, n2, _ := pair(t, nil)
	for _, c := range []struct {
		from *Port
		to   string
		want string
	}{{n1, "n2", "n1 7 hello"}, {n2, "n1", "n2 7 hello"}} {
		got, err := c.from.Call(within(t, 5*time.Second), c.to, 7, []byte("hello"))
		if err != nil || string(got) != c.want {
			t.Errorf("to %s: %q, %v", c.to, got, err)
		}
	}
}

func TestCallsUnderLoadKeepTheirAnswersApart(t *testing.T) {
	n1, _, _ := pair(t, nil)
	var wg sync.WaitGroup
	for g := range 32 {
		wg.Go(func() {
			for i := range 40 {
				req := bytes.Repeat([]byte{byte(g), byte(i)}, 1<<(i%16))
				got, err := n1.Call(t.Context(), "n2", byte(g), req)
				if err != nil || !bytes.Equal(got, append(fmt.Appendf(nil, "n1 %d ", g), req...)) {
					t.Errorf("call %d/%d: %d bytes, %v", g, i, len(got), err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestLargestCallPassesAndLargerIsRefused(t *testing.T) {
	size := func(_ context.Context, _ string, _ byte, req []byte) ([]byte, error) {
		return make([]byte, len(req)+1), nil
	}
	n1, _, _ := pair(t, func(c *Config) { c.Handler = handler(size) })
	if got, err := n1.Call(t.Context(), "n2", 0, make([]byte, MaxRequest-1)); err != nil || len(got) != MaxRequest {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := n1.Call(t.Context(), "n2", 0, make([]byte, MaxRequest+1)); !errors.Is(err, ErrNotDone) {
		t.Errorf("a larger request: %v", err)
	}
	f, ok := errors.AsType[*Failure](func() error {
		_,
			err := n1.Call(t.Context(), "n2", 0, make([]byte, MaxRequest))
		return err
	}())
	if !ok || f.Code != CodeFailed {
		t.Errorf("a larger response: %v", f)
	}
}

func TestHandlersErrorsArriveByTheirOutcome(t *testing.T) {
	answers := map[byte]error{
		1: errors.New("plain \x1b[31m"),
		2: fmt.Errorf("full: %w", ErrNotDone),
		3: fmt.Errorf("lost: %w", ErrUnknownOutcome),
		4: &Failure{CodeFirst + 3, "not the leader"},
		5: errors.New(strings.Repeat("x", 3*maxText)),
	}
	n1, _, _ := pair(t, func(c *Config) {
		c.Handler = handler(func(_ context.Context, _ string, m byte, _ []byte) ([]byte, error) { return nil, answers[m] })
	})
	for method, want := range map[byte]struct {
		notDone, unknown bool
		code             byte
	}{1: {false, false, CodeFailed}, 2: {true, false, CodeRefused}, 3: {false, true, CodeUnknown}, 4: {false, false,
		CodeFirst + 3}, 5: {false, false, CodeFailed}, 0xFF: {true, false, CodeRefused}} {
		_, err := n1.Call(within(t, 5*time.Second), "n2", method, nil)
		f, ok := errors.AsType[*Failure](err)
		if !ok || f.Code != want.code || errors.Is(err, ErrNotDone) != want.notDone ||
			errors.Is(err, ErrUnknownOutcome) != want.unknown {
			t.Errorf("method %d: %v", method, err)
		}
		if strings.Contains(fmt.Sprint(err), "\x1b") {
			t.Errorf("method %d: escape codes of another machine get through: %q", method, err)
		}
	}
}

// blocked is a Handler that blocks until its context ends.
type blocked struct{ begun, ended atomic.Int32 }

func (b *blocked) Handle(ctx context.Context, _ string, _ byte, _ []byte) ([]byte, error) {
	b.begun.Add(1)
	<-ctx.Done()
	b.ended.Add(1)
	return nil, ctx.Err()
}

func TestCallThatIsGivenUpIsUnknownAndEndsThere(t *testing.T) {
	b := &blocked{}
	n1, _, _ := pair(t, func(c *Config) { c.Handler = b })
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		soon(t, "the handler runs", func() bool { return b.begun.Load() == 1 })
		cancel()
	}()
	if _, err := n1.Call(ctx, "n2", 0, nil); !errors.Is(err, ErrUnknownOutcome) || !errors.Is(err, context.Canceled) ||
		errors.Is(err, ErrNotDone) {
		t.Errorf("cancelled: %v", err)
	}
	soon(t, "the cancellation arrives", func() bool { return b.ended.Load() == 1 })
	if _, err := n1.Call(within(t, 50*time.Millisecond), "n2", 0, nil); !errors.Is(err, ErrUnknownOutcome) {
		t.Errorf("deadline: %v", err)
	}
	soon(t, "the deadline passes there too", func() bool { return b.ended.Load() == 2 })
}

func TestOneMembersCallsAreBoundedAndTheRestIsNotDone(t *testing.T) {
	b := &blocked{}
	n1, _, _ := pair(t, func(c *Config) { c.Handler = b })
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range maxCalls {
		wg.Go(func() { n1.Call(ctx, "n2", 0, nil) })
	}
	soon(t, "all slots are taken", func() bool { return b.begun.Load() == maxCalls })
	if _, err := n1.Call(within(t, 50*time.Millisecond), "n2", 0, nil); !errors.Is(err, ErrNotDone) {
		t.Errorf("one too many: %v", err)
	}
	cancel()
	wg.Wait()
	if n := b.begun.Load(); n != maxCalls {
		t.Errorf("%d were handled at once", n)
	}
}

// A member that ignores the calling side's own bound is refused by the called side's.
func TestServerHandlesNoMoreThanItsBudget(t *testing.T) {
	b := &blocked{}
	n1, n2, _ := pair(t, func(c *Config) { c.Handler = b })
	conn, err := n1.dial(t.Context(), "n2", protoCall, true)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i := range maxHandled + 10 {
		frame := header{kindRequest, uint64(i), requestHeader}.append(nil)
		if _, err := conn.Write(request{}.head(frame)); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		h, err := readHeader(conn)
		if err != nil || h.kind != kindFailure {
			t.Fatalf("%+v, %v", h, err)
		}
		text, err := readPayload(conn, h.length)
		if err != nil || !errors.Is(parseFailure(text), ErrNotDone) {
			t.Fatalf("%q, %v", text, err)
		}
	}
	soon(t, "the budget is used", func() bool { return b.begun.Load() == maxHandled })
	conn.Close()
	soon(t, "handlers of a lost connection end", func() bool { return b.ended.Load() == b.begun.Load() })
	left := n2.served.of("n1")
	soon(t, "the budget comes back", func() bool {
		left.mu.Lock()
		defer left.mu.Unlock()
		return left.calls == maxHandled && left.bytes == maxInflow
	})
}

func TestConnectionLostAfterTheRequestIsUnknown(t *testing.T) {
	b := &blocked{}
	n1, n2, _ := pair(t, func(c *Config) { c.Handler = b })
	go func() {
		soon(t, "the handler runs", func() bool { return b.begun.Load() == 1 })
		n2.Close()
	}()
	if _, err := n1.Call(within(t, 5*time.Second), "n2", 0, nil); !errors.Is(err, ErrUnknownOutcome) ||
		errors.Is(err, ErrNotDone) {
		t.Errorf("lost: %v", err)
	}
	soon(t, "dialing fails", func() bool {
		_, err := n1.Call(within(t, 5*time.Second), "n2", 0, nil)
		return errors.Is(err, ErrNotDone)
	})
}

func TestFailedDialIsNotDoneAndBacksOff(t *testing.T) {
	var dials atomic.Int32
	n1, _, r := pair(t, func(c *Config) {
		c.Dial = func(context.Context, string) (net.Conn, error) { dials.Add(1); return nil, errors.New("no route") }
	})
	end := time.Now().Add(300 * time.Millisecond)
	for time.Now().Before(end) {
		if _, err := n1.Call(t.Context(), "n2", 0, nil); !errors.Is(err, ErrNotDone) ||
			!strings.Contains(err.Error(), "no route") {
			t.Fatalf("%v", err)
		}
	}
	if n := dials.Load(); n < 2 || n > 8 {
		t.Errorf("%d dials in 300 ms", n)
	}
	r.remove("n2")
	if _, err := n1.Call(t.Context(), "n2", 0, nil); !errors.Is(err, ErrNotDone) || !errors.Is(err, ErrNotMember) {
		t.Errorf("no member: %v", err)
	}
}

func TestRestartedMemberIsReachedAgain(t *testing.T) {
	n1, n2, r := pair(t, nil)
	if _, err := n1.Call(within(t, 5*time.Second), "n2", 1, nil); err != nil {
		t.Fatal(err)
	}
	n2.Close()
	open(t, n2.id, r, nil) // at a new address
	soon(t, "n2 answers again", func() bool {
		_, err := n1.Call(within(t, time.Second), "n2", 1, nil)
		return err == nil
	})
}

func TestCloseWaitsForHandlersAndLeavesNothing(t *testing.T) {
	b := &blocked{}
	n1, n2, _ := pair(t, func(c *Config) { c.Handler = b })
	errs := make(chan error, 1)
	go func() { _, err := n1.Call(t.Context(), "n2", 0, nil); errs <- err }()
	soon(t, "the handler runs", func() bool { return b.begun.Load() == 1 })
	n2.Close()
	if b.ended.Load() != 1 {
		t.Error("Close returned while a handler ran")
	}
	if err := <-errs; !errors.Is(err, ErrUnknownOutcome) {
		t.Errorf("%v", err)
	}
	n1.Close()
	if _, err := n1.Call(t.Context(), "n2", 0, nil); !errors.Is(err, ErrNotDone) {
		t.Errorf("after Close: %v", err)
	}
	noGoroutinesLeft(t)
}

func TestCloseWaitsForADialUnderWay(t *testing.T) {
	var returned atomic.Bool
	begun := make(chan struct{})
	n1, _, _ := pair(t, func(c *Config) {
		c.Dial = func(ctx context.Context, _ string) (net.Conn, error) {
			close(begun)
			<-ctx.Done()
			time.Sleep(50 * time.Millisecond)
			returned.Store(true)
			return nil, ctx.Err()
		}
	})
	errs := make(chan error, 1)
	go func() { _, err := n1.Call(t.Context(), "n2", 0, nil); errs <- err }()
	<-begun
	n1.Close()
	if !returned.Load() {
		t.Error("Close returned before the dial")
	}
	if err := <-errs; !errors.Is(err, ErrNotDone) {
		t.Errorf("%v", err)
	}
}
