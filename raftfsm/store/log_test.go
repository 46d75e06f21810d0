package store

import (
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
)

// The mark is raised once a second, at any moment, and raft truncates at any moment: afterwards the mark does not stand
// on what is gone.
func TestMarkNeverStandsOnWhatWasTruncated(t *testing.T) {
	dir := t.TempDir()
	log, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(dir, "log"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	stable, err := OpenStable(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer stable.Close()
	mark := NewHighWater(log, stable)
	store, err := NewLog(log, mark, new(Stalls), nil)
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var raising sync.WaitGroup
	raising.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := mark.Raise(); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for term := uint64(1); term <= 100; term++ {
		var entries []*raft.Log
		last, _ := log.Last()
		for i := range uint64(5) {
			entries = append(entries, &raft.Log{Index: last + 1 + i, Term: term, Type: raft.LogNoop})
		}
		if err := errors.Join(store.StoreLogs(entries), store.DeleteRange(last+2, last+5)); err != nil {
			t.Fatal(err)
		}
		index, of, err := stable.HighWater()
		if err = errors.Join(err, log.CheckHighWater(index, of)); err != nil {
			t.Errorf("after the truncation to %d: %v", last+1, err)
			break
		}
	}
	close(stop)
	raising.Wait()
}

// slowStable is a stable store that does not finish a write before it may.
type slowStable struct {
	raft.StableStore
	begun, finish chan struct{}
}

func (s slowStable) Set([]byte, []byte) error           { s.begun <- struct{}{}; <-s.finish; return nil }
func (s slowStable) SetUint64(k []byte, _ uint64) error { return s.Set(k, nil) }

// raft's main goroutine also hangs in a write of the term or the vote: that is seen as a hanging log is.
func TestHangingStableStoreIsSeen(t *testing.T) {
	for name, write := range map[string]func(raft.StableStore) error{
		"vote": func(s raft.StableStore) error { return s.Set(nil, nil) },
		"term": func(s raft.StableStore) error { return s.SetUint64(nil, 7) },
	} {
		slow := slowStable{begun: make(chan struct{}), finish: make(chan struct{})}
		seen := new(Stalls)
		done := make(chan error)
		go func() { done <- write(&WatchedStable{slow, seen}) }()
		<-slow.begun
		const long = 2 * time.Second
		var clock stallClock
		for range 1 + long/stallTick {
			clock.tick(seen)
		}
		if got := clock.tick(seen); got < long {
			t.Errorf("%s: after %v it has hung for %v", name, long, got)
		}
		close(slow.finish)
		if err := <-done; err != nil || clock.tick(seen) != 0 {
			t.Errorf("%s: it hangs still, %v", name, err)
		}
	}
}
