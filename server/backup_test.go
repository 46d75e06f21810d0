package server

import (
	"log/slog"
	"testing"
	"time"

	"hpfriends/eventlog"
	"hpfriends/query/view"
	"hpfriends/raftfsm"
)

// The newest backup that was handed out is known after a restart, too.
func TestLastBackupOutlivesARestart(t *testing.T) {
	log, err := eventlog.Open(eventlog.Config{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	b, err := newBackups(log, new(raftfsm.Node))
	if err != nil || b.Last() != nil {
		t.Fatalf("a new node knows of %+v, %v", b.Last(), err)
	}
	want := view.LastBackup{Completed: time.Now().UTC().Round(0), Bytes: 9, Through: 3, NoHistory: true}
	if err := b.handedOut(want); err != nil {
		t.Fatal(err)
	}
	again, err := newBackups(log, new(raftfsm.Node))
	if err != nil || *b.Last() != want || *again.Last() != want {
		t.Errorf("%+v, and after a restart %+v, %v, want %+v", b.Last(), again.Last(), err, want)
	}
}
