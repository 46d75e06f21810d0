package program

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"hpfriends/eventlog/entry"
	"hpfriends/internal/cmdline"
)

// screen is what a command has printed so far.
type screen struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// await waits until text was printed.
func (s *screen) await(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if strings.Contains(s.String(), text) {
			return
		}
	}
	t.Fatalf("%q was not printed: %q", text, s.String())
}

// log tail prints what comes, once, and again when it has happened again; Ctrl-C ends it with 130 and no complaint.
func TestLogTail(t *testing.T) {
	o, m := newTerminal(t)
	m.ok("user", "add", "ada")
	now := time.Now().UTC()
	index := uint64(100)
	row := func(message string, count uint64) entry.Refusal {
		index++
		return entry.Refusal{
			Owner: 1, Ident: "k", Message: message, Addr: "192.0.2.1", First: now, Last: now, Count: count, Index: index,
		}
	}
	o.refused(t, "1", row("first", 3))
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var out, msg screen
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"hpfriends", "log", "tail", "--as", "ada", "--since", "1h", "--data-dir", m.dir}, &out,
			&msg)
	}()
	out.await(t, "first")
	o.refused(t, "2", row("second", 1))
	out.await(t, "second")
	o.refused(t, "1", row("first", 4))
	out.await(t, "x4")
	const more = 20
	begin := time.Now()
	for i := range more {
		o.refused(t, "1", row("first", uint64(5+i)))
		out.await(t, fmt.Sprint("x", 5+i))
	}
	if each := time.Since(begin) / more; each > 200*time.Millisecond {
		t.Errorf("a row is printed %v after it is in the log", each)
	}
	interrupt()
	if got := <-code; got != cmdline.ExitInterrupted || msg.String() != "" {
		t.Errorf("exit %d, %q", got, msg.String())
	}
	if n := strings.Count(out.String(), "\n"); n != 3+more {
		t.Errorf("%d lines: %s", n, out.String())
	}
}
