package raftfsm

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/raftfsm/store"
)

// crashed returns a copy of a running node's directory: what is there when its process is killed.
func crashed(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// A node whose newest WAL is zeroed, right after it was killed, does not begin anew: neither its start nor a check
// takes the log for whole, although the mark that is synced once a second knows nothing yet.
func TestZeroedWALIsNoticedAtOnce(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	r.mustChange(t, operator, graph.AddUser{Handle: "ada"})
	sound, bare, damaged := crashed(t, dir), crashed(t, dir), crashed(t, dir)
	if err := os.Remove(filepath.Join(bare, store.NoteFile)); err != nil {
		t.Fatal(err)
	}
	wals, err := filepath.Glob(filepath.Join(damaged, "log", "*.log"))
	if err != nil || len(wals) == 0 {
		t.Fatal(wals, err)
	}
	wal := slices.Max(wals)
	info, err := os.Stat(wal)
	if err != nil || info.Size() == 0 {
		t.Fatal(info, err)
	}
	if err := os.WriteFile(wal, make([]byte, info.Size()), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		dir  string
		want error
	}{"sound": {sound, nil}, "zeroed": {damaged, eventlog.ErrLogBehind}, "without its note": {bare, fs.ErrNotExist}} {
		log, err := eventlog.Open(eventlog.Config{
			Dir: filepath.Join(c.dir, "log"), Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		if err := CheckStable(c.dir, log); !errors.Is(err, c.want) {
			t.Errorf("%s: the check says %v, want %v", name, err, c.want)
		}
		n, err := Open(Config{Dir: c.dir, Log: log, Logger: slog.New(slog.DiscardHandler)})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: the start says %v, want %v", name, err, c.want)
		}
		if err == nil {
			if err := n.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
