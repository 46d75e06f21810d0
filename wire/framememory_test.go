package wire

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// One who begins many large messages and finishes none takes half of what they may hold: others publish theirs beside
// it, and his own go on when some of his have ended.
func TestUnfinishedFramesTakeHalf(t *testing.T) {
	const payload, unfinished = 1 << 20, 40
	f := start(t, Config{Limits: Limits{MaxPayload: payload}, FrameMemory: 8 * payload})
	before := heap()
	large := make([]byte, payload)
	var held []io.Closer
	for range unfinished {
		p := f.login("alice")
		frame := p.publish("c", string(large))
		go func() { _, _ = p.Write(frame[:len(frame)-1]) }() // the rest is not read of all
		held = append(held, p)
	}
	f.eventually("half is taken and others wait", func() bool { return f.server.frames.short() })
	for range 5 {
		q := f.login("bob")
		q.send(q.publish("c", string(large)))
		q.wantOpen()
		q.Close()
	}
	if grown := heap() - before; grown > 20*payload {
		t.Errorf("%d unfinished frames of %d KiB hold %d KiB", unfinished, payload>>10, grown>>10)
	}
	m := f.server.frames
	m.mu.Lock()
	if used := m.parties['a']; used == 0 || used > 4*payload+4<<10 {
		t.Errorf("one party holds %d KiB of %d", used>>10, 8*payload>>10)
	}
	m.mu.Unlock()
	for _, p := range held {
		p.Close()
	}
	f.eventually("all is given back", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.used == 0 && len(m.parties) == 0 && m.waiting == 0
	})
}

// Who waits for memory gets it when there is some, and gives up in the end.
func TestFrameMemoryIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newFrameMemory(Config{FrameMemory: 100})
		if err := errors.Join(m.take(t.Context(), 1, 50), m.take(t.Context(), 2, 25)); err != nil {
			t.Fatal(err)
		}
		if m.try(1, 1) == nil || m.try(2, 1) == nil {
			t.Error("a party holds more than it leaves to others")
		}
		got := make(chan error, 1)
		go func() { got <- m.take(t.Context(), 2, 10) }()
		synctest.Wait()
		if !m.short() {
			t.Error("nobody waits")
		}
		m.give(1, 50)
		if err := <-got; err != nil || m.short() {
			t.Errorf("after others have given back: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), frameWait)
		defer cancel()
		begun := time.Now()
		if err := m.take(ctx, 2, 90); err == nil || time.Since(begun) != frameWait {
			t.Errorf("what never fits: %v after %v", err, time.Since(begun))
		}
	})
}
