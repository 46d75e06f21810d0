package raftfsm

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// Raft's own entries, of elections and barriers, are never given to the FSM: the applied index stays before them until the
// next entry that is. In a cluster in which nothing happens they would look like a backlog that grows with every election.

// seen is whether the FSM is given an entry.
func seen(t raft.LogType) bool { return t == raft.LogCommand || t == raft.LogConfiguration }

// newestSeen is the newest entry, applied or not, that the FSM is given.
func (g *guardedStore) newestSeen() (uint64, error) {
	applied := g.mark.log.Applied()
	last, _ := g.mark.log.Last()
	for i := last; i > applied; i-- {
		var l raft.Log
		if err := g.LogStore.GetLog(i, &l); err != nil && !errors.Is(err, raft.ErrLogNotFound) {
			return 0, err
		} else if err == nil && seen(l.Type) {
			return i, nil
		}
	}
	return applied, nil
}

// note keeps the newest of entries that are about to be stored.
func (g *guardedStore) note(logs []*raft.Log) {
	for i := len(logs) - 1; i >= 0; i-- {
		if seen(logs[i].Type) {
			g.newest.Store(logs[i].Index)
			return
		}
	}
}

// reached is up to where this node has applied what is committed.
func (m *Members) reached() uint64 {
	commit, applied := m.node.raft.CommitIndex(), m.node.log.Applied()
	if m.store != nil && applied >= m.store.newest.Load() {
		return max(commit, applied)
	}
	return applied
}

// proof is that a leader has applied everything from before its term.
type proof struct{ term atomic.Uint64 }

// proven proves that this node leads: by a barrier, which is an entry, once in a term, and by asking the followers from then
// on. Who asks every second must not fill the log.
func (n *Node) proven(ctx context.Context) error {
	term := n.raft.CurrentTerm()
	done := make(chan error, 1)
	go func() {
		if n.proof.term.Load() == term {
			done <- n.raft.VerifyLeader().Error()
			return
		}
		err := n.raft.Barrier(5 * time.Second).Error()
		if err == nil && n.raft.CurrentTerm() == term {
			n.proof.term.Store(term)
		}
		done <- err
	}()
	select {
	case err := <-done:
		return outcome(err)
	case <-ctx.Done():
		return ctx.Err()
	}
}
