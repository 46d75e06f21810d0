package raftfsm

import (
	"context"
	"sync/atomic"
	"time"
)

// reached is up to where this node has applied what is committed.
func (m *Members) reached() uint64 {
	if m.store == nil {
		return m.node.log.Applied()
	}
	return m.store.Reached(m.node.raft.CommitIndex())
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
