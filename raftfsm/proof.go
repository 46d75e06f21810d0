package raftfsm

import (
	"context"
	"sync/atomic"
	"time"
)

// proof is that a leader has applied everything from before its term.
type proof struct{ term atomic.Uint64 }

// proven proves that this node leads: by a barrier, which is an entry, once in a term, and by asking the followers from
// then on. A probe that asks every second must not fill the log.
func (n *Node) proven(ctx context.Context) error {
	term := n.raft.CurrentTerm()
	err := n.wait(ctx, func() error {
		if n.proof.term.Load() == term {
			return n.raft.VerifyLeader().Error()
		}
		err := n.raft.Barrier(5 * time.Second).Error()
		if err == nil && n.raft.CurrentTerm() == term {
			n.proof.term.Store(term)
		}
		return err
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return outcome(err)
}
