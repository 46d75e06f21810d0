package server

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"hpfriends/api"
	"hpfriends/eventlog"
	"hpfriends/query/view"
	"hpfriends/raftfsm"
)

// backed is a node whose backups are looked at, until it is closed.
type backed struct {
	*backups
	logged bytes.Buffer
	close  func()
}

func openBacked(t *testing.T, dir string) *backed {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	log, err := eventlog.Open(eventlog.Config{Dir: dir + "/log", Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	node, err := raftfsm.Open(raftfsm.Config{Dir: dir, Log: log, Logger: quiet, Fail: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	b := &backed{close: func() {
		if err := errors.Join(node.Close(), log.Close()); err != nil {
			t.Error(err)
		}
	}}
	if err := node.AwaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b.backups, err = newBackups(log, node, slog.New(slog.NewTextHandler(&b.logged, nil))); err != nil {
		t.Fatal(err)
	}
	return b
}

// sent is an answer that fails where it is told to.
type sent struct {
	bytes.Buffer
	write, flush error
}

func (s *sent) Write(p []byte) (int, error) {
	if s.write != nil {
		return 0, s.write
	}
	return s.Buffer.Write(p)
}

func (s *sent) Flush() error { return s.flush }

func (b *backed) make(t *testing.T, in api.BackupQuery, out *sent) error {
	t.Helper()
	write, err := b.open(in)
	if err != nil {
		t.Fatal(err)
	}
	return write(t.Context(), out)
}

// The newest backup of each kind that was handed out to its end is known, after a restart, too.
func TestLastBackupOutlivesARestart(t *testing.T) {
	dir := t.TempDir()
	b := openBacked(t, dir)
	broken := errors.New("broken")
	for _, out := range []*sent{{write: broken}, {flush: broken}} {
		if err := b.make(t, api.BackupQuery{}, out); !errors.Is(err, broken) || b.Last() != nil {
			t.Errorf("%v, and it knows of %+v", err, b.Last())
		}
	}
	last := func(kind view.BackupKind, out *sent) view.LastBackup {
		t.Helper()
		got := b.Last()
		if got == nil || got.Kind != kind || got.After != 0 || got.Bytes != uint64(out.Len()) || got.Completed.IsZero() {
			t.Fatalf("the last is %+v, want one that is %s, of %d bytes", got, kind, out.Len())
		}
		return *got
	}
	full, state := new(sent), new(sent)
	if err := b.make(t, api.BackupQuery{After: 7}, full); err != nil { // no backup is named that has it
		t.Fatal(err)
	}
	last(view.FullBackup, full)
	if err := b.make(t, api.BackupQuery{NoHistory: true}, state); err != nil {
		t.Fatal(err)
	}
	want := last(view.StateOnly, state)
	b.close()

	b = openBacked(t, dir)
	if got := last(view.StateOnly, state); got != want {
		t.Errorf("after a restart the last is %+v, want %+v", got, want)
	}
	if _, ok := b.last[view.FullBackup]; !ok || len(b.last) != 2 {
		t.Errorf("after a restart it knows of %+v", b.last)
	}
	tx := b.log.BeginUpdate()
	tx.Put(eventlog.SpaceLocal, backupKey(view.StateOnly), []byte("{"))
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	b.close()

	b = openBacked(t, dir)
	defer b.close()
	last(view.FullBackup, full)
	if !strings.Contains(b.logged.String(), "cannot be read") {
		t.Errorf("of a record that is damaged it says %q", b.logged.String())
	}
}
