package raftfsm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/graph"
)

// The mark is raised once a second, at any moment, and raft truncates at any moment: afterwards the mark does not stand on what is gone.
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
	mark := &highWater{log: log, stable: stable}
	store := &guardedStore{LogStore: log.LogStore(), mark: mark, stalls: new(stalls)}
	stop := make(chan struct{})
	var raising sync.WaitGroup
	raising.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := mark.raise(); err != nil {
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
		seen := new(stalls)
		done := make(chan error)
		go func() { done <- write(&watchedStable{slow, seen}) }()
		<-slow.begun
		var clock stallClock
		for range 1 + withholdAfter/stallTick {
			clock.tick(seen)
		}
		if got := clock.tick(seen); got < withholdAfter {
			t.Errorf("%s: after %v it has hung for %v", name, withholdAfter, got)
		}
		close(slow.finish)
		if err := <-done; err != nil || clock.tick(seen) != 0 {
			t.Errorf("%s: it hangs still, %v", name, err)
		}
	}
}

// What is under way when a node closes is answered, and not with a promise, although the disk hangs: raft leaves futures unanswered
// (2.2 of reliability.md).
func TestProposalsAreAnsweredWhenTheNodeCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newArchipelago(t, 1, "n1")
		w.form()
		c := w.nodes["n1"]
		node, release := c.node, c.jam()
		answers := make(chan error, 300)
		for i := range cap(answers) {
			go func() {
				_, err := node.Change(context.Background(), graph.Command{By: operator, Op: graph.AddUser{Handle: fmt.Sprintf("user%d", i)}})
				answers <- err
			}()
		}
		time.Sleep(time.Second)
		closed := make(chan struct{})
		go func() { c.stop(); close(closed) }()
		time.Sleep(time.Second)
		if len(answers) != cap(answers) {
			t.Errorf("%d of %d proposals are answered a second after the node began to close", len(answers), cap(answers))
		}
		release()
		<-closed
		for range cap(answers) {
			if err := <-answers; !errors.Is(err, ErrUnknownOutcome) && !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrClosed) {
				t.Errorf("a proposal that was under way ended with %v", err)
			}
		}
		time.Sleep(time.Minute)
	})
}
