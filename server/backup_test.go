package server

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/eventlog"
	"hpfriends/query/view"
	"hpfriends/raftfsm"
	"hpfriends/raftfsm/store"
)

// backed is a node whose backups are looked at, until it is closed.
type backed struct {
	*backups
	logged bytes.Buffer
	full   atomic.Bool // the disk
	close  func()
}

func openBacked(t *testing.T, dir string) *backed {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	log, err := eventlog.Open(eventlog.Config{Dir: dir + "/log", Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	b := new(backed)
	node, err := raftfsm.Open(raftfsm.Config{
		Dir: dir, Log: log, Logger: quiet, Fail: func(err error) { t.Error(err) }, Space: b.space,
	})
	if err != nil {
		t.Fatal(err)
	}
	b.close = func() {
		if err := errors.Join(node.Close(), log.Close()); err != nil {
			t.Error(err)
		}
	}
	if err := node.AwaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b.backups, err = newBackups(log, node, slog.New(slog.NewTextHandler(&b.logged, nil))); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *backed) space() (store.Space, error) {
	if b.full.Load() {
		return store.Space{Free: 1 << 20, Total: 1 << 40}, nil
	}
	return store.Space{Free: 1 << 40, Total: 1 << 40}, nil
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

// A backup that was sent to its end is one, whether or not the node can keep that over a restart: on a disk that is
// full it does not try, since a write that fails ends the server.
func TestBackupIsHandedOutOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	b := openBacked(t, dir)
	b.full.Store(true)
	for b.node.Full() == nil {
		time.Sleep(time.Millisecond)
	}
	if err := b.make(t, api.BackupQuery{}, new(sent)); err != nil {
		t.Errorf("all of it was sent, and it failed: %v", err)
	}
	if last := b.Last(); last == nil || last.Kind != view.FullBackup {
		t.Errorf("the last is %+v", last)
	}
	if told := b.logged.String(); !strings.Contains(told, "level=WARN") || !strings.Contains(told, "over a restart") {
		t.Errorf("it says %q", told)
	}
	b.close()

	b.logged.Reset()
	b.handedOut(view.LastBackup{Kind: view.StateOnly, Completed: time.Now()}) // the server ended meanwhile
	if told := b.logged.String(); !strings.Contains(told, "over a restart") || b.Last().Kind != view.StateOnly {
		t.Errorf("it says %q, and knows of %+v", told, b.Last())
	}

	b = openBacked(t, dir)
	defer b.close()
	if last := b.Last(); last != nil {
		t.Errorf("on a full disk it kept %+v", last)
	}
}
