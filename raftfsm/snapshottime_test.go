package raftfsm

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/raftfsm/apply"
)

// TestTimeOfASnapshot says how long a follower's main loop waits for a snapshot: HPFRIENDS_CHANGES is how many changes
// of the graph it brings.
func TestTimeOfASnapshot(t *testing.T) {
	changes, _ := strconv.Atoi(os.Getenv("HPFRIENDS_CHANGES"))
	if changes == 0 {
		t.Skip("HPFRIENDS_CHANGES is not set")
	}
	r := open(t, t.TempDir())
	var writers sync.WaitGroup
	for k := range 64 {
		writers.Go(func() {
			for i := k; i < changes; i += 64 {
				if _, err := r.Change(t.Context(), graph.Command{By: operator,
					Op: graph.AddUser{Handle: fmt.Sprintf("user%d", i)}}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	writers.Wait()
	if err := r.storeGraph(); err != nil {
		t.Fatal(err)
	}
	index := r.checkpoint(t)
	s, err := newSnapshots(r.log, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	s.started.Store(true)
	begin := time.Now()
	meta, f, err := s.Open(checkpointID(index))
	if err != nil {
		t.Fatal(err)
	}
	made := time.Since(begin)

	log, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(t.TempDir(), "log"),
		Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	fsm, err := apply.New(log, slog.New(slog.DiscardHandler), func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	to, err := newSnapshots(log, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	begin = time.Now()
	sink, err := to.Create(1, index, meta.Term, meta.Configuration, meta.ConfigurationIndex, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(sink, f); err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	_, in, err := to.Open(sink.ID())
	if err != nil {
		t.Fatal(err)
	}
	if err := fsm.Restore(in); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d changes: a snapshot of %.1f MiB, made in %v, received and installed in %v", changes,
		float64(meta.Size)/(1<<20), made.Round(time.Millisecond), time.Since(begin).Round(time.Millisecond))
	if got, want := fsm.Version().Graph.Index(), r.Graph().Index(); got != want {
		t.Errorf("the graph is at %d, want %d", got, want)
	}
}
