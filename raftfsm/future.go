package raftfsm

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/raft"
)

// wait returns what answer returns, or why nobody waits any longer. raft may leave its futures unanswered at shutdown,
// and they have no timeout: the goroutine ends with raft's shutdown at the latest, or with the process.
func (n *Node) wait(ctx context.Context, answer func() error) error {
	done := make(chan error, 1)
	go func() { done <- answer() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-n.stop:
		return ErrClosed
	}
}

// await waits for a future of raft, and sorts its error.
func (n *Node) await(ctx context.Context, answer func() error) error {
	return outcome(n.wait(ctx, answer))
}

// outcome sorts raft's errors, and those of wait, into "not applied" and "unknown".
func outcome(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress),
		errors.Is(err, raft.ErrEnqueueTimeout), errors.Is(err, raft.ErrAbortedByRestore), errors.Is(err, ErrDiskFull):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	default:
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
}
