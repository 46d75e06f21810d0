package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"time"
)

// TestDrainTakesWhatWasSentBeforeThePeerNotices: a publisher learns by the end of the stream that it should go
// elsewhere, and what it has sent until then is published.
func TestDrainTakesWhatWasSentBeforeThePeerNotices(t *testing.T) {
	t.Parallel()
	f := start(t, Config{})
	p, early := f.login("alice"), f.dial()
	p.send(p.publish("c", "0"))
	f.eventually("the first is published", func() bool { return len(f.hub.messages()) == 1 })
	hold := make(chan struct{})
	f.hub.mu.Lock()
	f.hub.hold = hold
	f.hub.mu.Unlock()
	p.send(p.publish("c", "1")) // its session is busy with it
	p.send(p.publish("d", "2")) // waits in the buffers
	drained := make(chan error, 1)
	go func() { drained <- f.server.Drain(t.Context(), 5*time.Second) }()
	p.wantClosed()
	early.wantClosed()
	p.send(p.publish("e", "3")) // before it has noticed
	close(hold)
	p.Close()
	if err := <-drained; err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range f.hub.messages() {
		got = append(got, string(m.Payload))
	}
	if fmt.Sprint(got) != "[0 1 2 3]" {
		t.Errorf("published are %v, want all four", got)
	}
	if n := f.server.Sessions(); n != 0 {
		t.Errorf("%d sessions are left", n)
	}

	var heard []byte
	late, err := net.Dial("tcp", f.addr)
	if err == nil {
		heard, err = io.ReadAll(late)
		_ = late.Close()
	}
	if len(heard) > 0 || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a new connection gets %q, %v", heard, err)
	}
	f.server.Resume()
	f.login("bob").wantOpen()
}

// TestDrainIsBounded: neither a publisher that never looks nor a subscriber that never reads holds it up for long.
func TestDrainIsBounded(t *testing.T) {
	t.Parallel()
	f := start(t, Config{})
	talks, sleeps := f.login("alice"), f.login("bob")
	talks.wantOpen()
	sleeps.wantOpen()
	go func() {
		frame := talks.publish("c", string(make([]byte, 1<<10)))
		for {
			if _, err := talks.Write(frame); err != nil {
				return
			}
		}
	}()
	for _, c := range f.hub.conns() {
		if c.ident == "bob" {
			go func() { _ = c.session.Send(net.Buffers{make([]byte, 64<<20)}) }()
			f.eventually("the subscriber holds up a write", func() bool {
				free := c.session.writer.writing.TryLock()
				if free {
					c.session.writer.writing.Unlock()
				}
				return !free
			})
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	if err := f.server.Drain(ctx, 200*time.Millisecond); err != nil {
		t.Errorf("after %d messages: %v", len(f.hub.messages()), err)
	}
}

// TestStoppedListenersLeaveSessionsAlone: StopAccepting ends Serve without an error, refuses who comes, and keeps who
// is there, also while these are sent elsewhere.
func TestStoppedListenersLeaveSessionsAlone(t *testing.T) {
	t.Parallel()
	f := start(t, Config{})
	p := f.login("alice")
	p.wantOpen()
	f.server.StopAccepting()
	if c, err := net.Dial("tcp", f.addr); err == nil {
		c.Close()
		t.Error("a new connection is taken")
	}
	p.wantOpen()
	drained := make(chan error, 1)
	go func() { drained <- f.server.Drain(t.Context(), 5*time.Second) }()
	p.wantClosed()
	late, ours := net.Pipe() // as if a listener had taken it in its last moment
	go f.server.accept(ours, &Endpoint{Nonce: 4}, nil)
	if b, err := io.ReadAll(late); len(b) > 0 || err != nil {
		t.Errorf("one that comes last gets %q, %v: want its end", b, err)
	}
	p.Close()
	if err := <-drained; err != nil {
		t.Error(err)
	}
}
