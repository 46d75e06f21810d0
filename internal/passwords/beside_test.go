package passwords

import (
	"bytes"
	"encoding/gob"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
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

// Processes beside this one come to the same, one after the other and at the same time, and start anew when they end.
func TestBesideHashesAsThisProcessDoes(t *testing.T) {
	var said strings.Builder
	h := NewHasher(slog.New(slog.NewTextHandler(&said, nil)))
	started := 0
	h.beside.start = func() (*child, error) { started++; return startChild() }
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
	if started != 1 || len(h.beside.idle) != 1 {
		t.Errorf("%d processes were started for one hash after the other, %d are idle", started, len(h.beside.idle))
	}
	h.beside.idle[0].end()
	verify() // the first of these by this process
	if started != 2 || strings.Count(said.String(), "level=WARN") != 1 {
		t.Errorf("%d processes after one has ended, said: %s", started, said.String())
	}
	for _, c := range h.beside.idle {
		c.end()
	}
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
			return &child{jobs: gob.NewEncoder(io.Discard), sums: gob.NewDecoder(&sums), end: func() { ended++ }}, nil
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
