package acme

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/internal/secret"
	"hpfriends/raftfsm"
)

// opened is a node that is alone, on which storages stand for those of nodes.
func opened(t *testing.T) *raftfsm.Node {
	t.Helper()
	dir := t.TempDir()
	log, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(dir, "log"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	n, err := raftfsm.Open(raftfsm.Config{Dir: dir, Log: log, Logger: slog.New(slog.DiscardHandler),
		Fail: func(err error) { t.Errorf("fail-stop: %v", err) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	if err := n.AwaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	return n
}

func storage(t *testing.T, n *raftfsm.Node, key byte, log *bytes.Buffer) *Storage {
	t.Helper()
	k, err := secret.NewDataKey(bytes.Repeat([]byte{key}, 32))
	if err != nil {
		t.Fatal(err)
	}
	s := NewStorage(n.Vault(), k, n.Now, slog.New(slog.NewTextHandler(log, nil)))
	t.Cleanup(s.Close)
	return s
}

func TestStorageKeepsSealedValues(t *testing.T) {
	n, ctx, log := opened(t), t.Context(), new(bytes.Buffer)
	a, b := storage(t, n, 1, log), storage(t, n, 1, log)
	for _, name := range []string{"c/x/x.crt", "c/x/x.key", "c/y/y.crt", "d"} {
		if err := a.Store(ctx, name, []byte("plain of "+name)); err != nil {
			t.Fatal(err)
		}
		if got, err := b.Load(ctx, name); err != nil || string(got) != "plain of "+name {
			t.Errorf("%s is %q, %v", name, got, err)
		}
		if v, _ := n.Vault().Value(name); bytes.Contains(v.Sealed, []byte("plain")) {
			t.Errorf("%s lies there in clear", name)
		}
	}
	// What was sealed for one name does not open as another.
	v, _ := n.Vault().Value("d")
	if err := n.Vault().Do(ctx, entry.Vault{Step: entry.VaultPut, Name: "e", Value: v.Sealed}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Load(ctx, "e"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a value under another name is loaded: %v", err)
	}
	if _, err := storage(t, n, 2, log).Load(ctx, "d"); !errors.Is(err, fs.ErrNotExist) ||
		!strings.Contains(log.String(), "another data key") {
		t.Errorf("with another key: %v, %s", err, log)
	}
	for dir, want := range map[string][]string{
		"": {"c", "d", "e"}, "c": {"c/x", "c/y"}, "c/x": {"c/x/x.crt", "c/x/x.key"},
	} {
		if got, err := a.List(ctx, dir, false); err != nil || !slices.Equal(got, want) {
			t.Errorf("in %q are %q, %v, want %q", dir, got, err, want)
		}
	}
	if got, err := a.List(ctx, "c", true); err != nil || len(got) != 3 {
		t.Errorf("below c are %q, %v", got, err)
	}
	if info, err := a.Stat(ctx, "c"); err != nil || info.IsTerminal {
		t.Errorf("c is %+v, %v", info, err)
	}
	if info, err := a.Stat(ctx, "d"); err != nil || !info.IsTerminal || time.Since(info.Modified) > time.Minute {
		t.Errorf("d is %+v, %v", info, err)
	}
	if err := a.Delete(ctx, "c/x"); err != nil || b.Exists(ctx, "c/x/x.key") || !b.Exists(ctx, "c/y/y.crt") {
		t.Errorf("c/x is deleted: %v", err)
	}
	if err := a.Delete(ctx, "c/x"); err != nil {
		t.Errorf("it is deleted again: %v", err)
	}
	if err := a.Store(ctx, strings.Repeat("n", entry.MaxVaultName+1), nil); err == nil {
		t.Error("too long a name is stored")
	}
}

// A node that asks for a lock has it as soon as the one that holds it gives it back, and when that one is gone, when it
// has expired.
func TestLockIsHeldByOne(t *testing.T) {
	n, ctx, log := opened(t), t.Context(), new(bytes.Buffer)
	a, b := storage(t, n, 1, log), storage(t, n, 1, log)
	if err := a.Lock(ctx, "issue"); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := b.Lock(short, "issue"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a lock that is held is taken: %v", err)
	}
	if err := b.Unlock(ctx, "issue"); err == nil {
		t.Error("who does not hold a lock gives it back")
	}
	taken := make(chan error, 1)
	go func() { taken <- b.Lock(ctx, "issue") }()
	if err := a.Unlock(ctx, "issue"); err != nil {
		t.Fatal(err)
	}
	if err := <-taken; err != nil {
		t.Fatal(err)
	}
	b.Close() // as a crash would: it is not given back
	later := storage(t, n, 1, log)
	if err := later.Lock(short, "issue"); err == nil {
		t.Error("the lock of a node that is gone is free at once")
	}
	l, _ := n.Vault().Lock("issue")
	if left := l.Expires.Sub(n.Now()); left <= 0 || left > lockLife {
		t.Errorf("it expires in %v", left)
	}
	over := entry.Vault{Step: entry.VaultLock, Name: "issue", Holder: l.Holder, Expires: n.Now().Add(-time.Second)}
	if err := n.Vault().Do(ctx, over); err != nil { // as if lockLife had passed
		t.Fatal(err)
	}
	if err := later.Lock(ctx, "issue"); err != nil {
		t.Errorf("the lock of a node that is gone is never free: %v", err)
	}
}

// The answer of a challenge is waited for, since another node has put it; nothing else is.
func TestAnswerOfAChallengeIsAwaited(t *testing.T) {
	n, ctx, log := opened(t), t.Context(), new(bytes.Buffer)
	a, b := storage(t, n, 1, log), storage(t, n, 1, log)
	const token = "acme/ca/challenge_tokens/x.json"
	stored := make(chan error, 1)
	time.AfterFunc(100*time.Millisecond, func() { stored <- a.Store(ctx, token, []byte("answer")) })
	if got, err := b.Load(ctx, token); err != nil || string(got) != "answer" {
		t.Errorf("the answer is %q, %v", got, err)
	}
	if err := <-stored; err != nil {
		t.Fatal(err)
	}
	if _, err := b.Load(ctx, "certificates/x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what nobody has put: %v", err)
	}
}
