package passwords

import (
	"bytes"
	"encoding/gob"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hpfriends/internal/secret"
)

// TestMain serves as the program does, so that processes beside this one can be started.
func TestMain(m *testing.M) {
	ServeBeside()
	os.Exit(m.Run())
}

// Processes beside this one come to the same, one after the other and at the same time; one that is killed, or does not
// answer, is missed by nobody; and in the end there are none.
func TestBesideHashesAsThisProcessDoes(t *testing.T) {
	var said strings.Builder
	h := NewHasher(slog.New(slog.NewTextHandler(&said, nil)))
	h.queue.free = 2
	var started []*child
	h.beside.start = func() (*child, error) {
		c, err := startChild()
		started = append(started, c) // by who holds mu
		return c, err
	}
	hash := cheap(t, typed)
	verify := func() {
		t.Helper()
		for password, want := range map[string]bool{typed: true, "another": false, "": false} {
			if ok, err := h.Verify(t.Context(), hash, secret.New(password)); ok != want || err != nil {
				t.Errorf("%q: %v, %v", password, ok, err)
			}
		}
	}
	verify()
	if len(started) != 1 || len(h.beside.idle) != 1 {
		t.Errorf("%d processes for one hash after the other, %d are idle", len(started), len(h.beside.idle))
	}
	started[0].kill()
	verify() // the first of these by this process
	if len(started) != 2 || strings.Count(said.String(), "level=WARN") != 1 || !strings.Contains(said.String(), "killed") {
		t.Errorf("%d processes after one was killed, said: %s", len(started), said.String())
	}
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if _, err := h.Hash(t.Context(), secret.New(typed)); err != nil { // long enough to meet
				t.Error(err)
			}
		})
	}
	both.Wait()
	h.Close()
	if len(h.beside.idle) != 0 {
		t.Errorf("%d are idle after the end", len(h.beside.idle))
	}
	for _, c := range started {
		if c.wait() == nil { // it was waited for
			t.Error("a process outlives its Hasher")
		}
	}
}

// One that does not answer in time is ended.
func TestStoppedProcessIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, answers := io.Pipe()
		b := &beside{start: func() (*child, error) {
			return &child{
				jobs: gob.NewEncoder(io.Discard), sums: gob.NewDecoder(from),
				kill: func() { _ = answers.Close() }, wait: func() error { return errors.New("signal: killed") },
			}, nil
		}}
		began := time.Now()
		_, err := b.compute(job{Size: 32})
		if took := time.Since(began); err == nil || !strings.Contains(err.Error(), "signal: killed") || took != besideMost {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

func TestThisProcessHashesIfNoOtherCan(t *testing.T) {
	var said strings.Builder
	h := NewHasher(slog.New(slog.NewTextHandler(&said, nil)))
	h.beside.start = func() (*child, error) { return nil, errors.New("not permitted") }
	if ok, err := h.Verify(t.Context(), cheap(t, typed), secret.New(typed)); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	if !strings.Contains(said.String(), "not permitted") {
		t.Errorf("nobody is told: %s", said.String())
	}
}

func TestIdleProcessesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := 0
		b := &beside{start: func() (*child, error) {
			var sums bytes.Buffer // as a process would answer
			out := gob.NewEncoder(&sums)
			for range 2 {
				if err := out.Encode(make([]byte, 32)); err != nil {
					return nil, err
				}
			}
			return &child{
				jobs: gob.NewEncoder(io.Discard), sums: gob.NewDecoder(&sums),
				kill: func() {}, wait: func() error { ended++; return nil },
			}, nil
		}}
		for range 2 {
			if _, err := b.compute(job{Size: 32}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(besideIdle - time.Second)
		}
		holds := func(idle, over int) {
			t.Helper()
			synctest.Wait()
			b.mu.Lock()
			defer b.mu.Unlock()
			if len(b.idle) != idle || ended != over {
				t.Errorf("%d are idle and %d have ended, want %d and %d", len(b.idle), ended, idle, over)
			}
		}
		holds(1, 0)
		time.Sleep(2 * time.Second)
		holds(0, 1)
	})
}
