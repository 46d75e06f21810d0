package raftfsm

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/graph"
)

// Errors of proposals.
var (
	// ErrUnavailable: the node cannot take changes now; it was not applied. Try again.
	ErrUnavailable error = unavailable("raftfsm: this node takes no changes now: try again in a moment")
	// ErrUnknownOutcome: the change may or may not have been applied. Look before trying again.
	ErrUnknownOutcome = errors.New("raftfsm: the outcome is unknown: look whether it was applied before trying again")
	// ErrClosed: the node is shutting down.
	ErrClosed = errors.New("raftfsm: node is closed")
)

// unavailable is an error that trying again may heal: nothing was done.
type unavailable string

func (u unavailable) Error() string { return string(u) }

// Temporary says that the same may succeed later.
func (unavailable) Temporary() bool { return true }

// Config of a Node.
type Config struct {
	Dir    string        // holds the stable store
	NodeID string        // empty: the stored one, or a fresh one
	Log    *eventlog.Log // owned by the caller, closed after the node
	Logger *slog.Logger
	Fail   func(error)           // ends the process; nil: the error is logged and the process exits
	Space  func() (Space, error) // nil: of the file system that holds Dir

	Retention Retention
}

// Node is one member of the raft group.
type Node struct {
	id     string
	log    *eventlog.Log
	stable *Stable
	fsm    *FSM
	raft   *raft.Raft
	slog   *slog.Logger

	space     func() (Space, error)
	full      atomic.Bool
	retention Retention

	stop  chan struct{}
	loops sync.WaitGroup
	saved uint64 // index of the newest stored graph; owned by keep
}

// Open starts the node. Its background loops run until Close.
func Open(c Config) (*Node, error) {
	if c.Fail == nil {
		c.Fail = exitOn(c.Logger)
	}
	stable, err := OpenStable(c.Dir)
	if err != nil {
		return nil, err
	}
	n := &Node{log: c.Log, stable: stable, slog: c.Logger, space: c.Space, retention: c.Retention, stop: make(chan struct{})}
	if n.space == nil {
		n.space = func() (Space, error) { return DiskSpace(c.Dir) }
	}
	if err := n.open(c); err != nil {
		stable.Close()
		return nil, err
	}
	n.loops.Add(2)
	go n.keep()
	go n.retain()
	return n, nil
}

func (n *Node) open(c Config) error {
	var err error
	if n.id, err = n.stable.Identity("node", cmp.Or(c.NodeID, "node-"+randomHex(4))); err != nil {
		return err
	}
	if c.NodeID != "" && c.NodeID != n.id {
		return fmt.Errorf("raftfsm: data directory %s belongs to node %q, not %q: use its own directory for each node", c.Dir, n.id, c.NodeID)
	}
	if _, err := n.stable.Identity("cluster", randomHex(16)); err != nil {
		return err
	}
	index, term, err := n.stable.HighWater()
	if err != nil {
		return err
	}
	if err := n.log.CheckHighWater(index, term); err != nil {
		return fmt.Errorf("raftfsm: acknowledged entries are missing, this node must not serve: restore it from a backup or its cluster: %w", err)
	}
	if n.fsm, err = newFSM(n.log, c.Logger, c.Fail); err != nil {
		return err
	}
	n.saved = n.fsm.version.Load().Index
	return n.startRaft()
}

func (n *Node) startRaft() error {
	meta, err := n.fsm.config.startAt(n.log)
	if err != nil {
		return err
	}
	conf := raft.DefaultConfig()
	conf.LocalID = raft.ServerID(n.id)
	conf.NoSnapshotRestoreOnStart = true
	conf.SnapshotThreshold = 1 << 62 // never: see startSnapshots
	conf.TrailingLogs = 1 << 62
	conf.MaxAppendEntries = 64
	conf.Logger = raftLogger(n.slog)
	// One voter elects itself as soon as its own timeout passes.
	conf.HeartbeatTimeout, conf.ElectionTimeout = 50*time.Millisecond, 50*time.Millisecond
	conf.LeaderLeaseTimeout = 50 * time.Millisecond
	addr, transport := raft.NewInmemTransport(raft.ServerAddress(n.id))
	store := &guardedStore{LogStore: n.log.LogStore(), log: n.log, stable: n.stable}
	snaps := startSnapshots{meta}

	begun, err := raft.HasExistingState(store, n.stable, snaps)
	if err != nil {
		return fmt.Errorf("raftfsm: look for existing state: %w", err)
	}
	if !begun {
		one := raft.Configuration{Servers: []raft.Server{{ID: conf.LocalID, Address: addr}}}
		if err := raft.BootstrapCluster(conf, store, n.stable, snaps, transport, one); err != nil {
			return fmt.Errorf("raftfsm: bootstrap: %w", err)
		}
	}
	if n.raft, err = raft.NewRaft(conf, n.fsm, store, n.stable, snaps, transport); err != nil {
		return fmt.Errorf("raftfsm: start raft: %w", err)
	}
	return nil
}

// ID is the node's identity, fixed at its first start.
func (n *Node) ID() string { return n.id }

// Version is the newest version of the graph.
func (n *Node) Version() *graph.Version { return n.fsm.version.Load() }

// Graph is the newest graph.
func (n *Node) Graph() *graph.Graph { return n.Version().Graph }

// Change proposes a command and answers once this node has applied it. A refusal is a *graph.Error.
func (n *Node) Change(ctx context.Context, c graph.Command) (graph.Outcome, error) {
	if err := n.Full(); err != nil {
		return graph.Outcome{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if c.Time.IsZero() {
		c.Time = time.Now().UTC()
	}
	data, err := encodeChange(c)
	if err != nil {
		return graph.Outcome{}, err
	}
	r, err := n.propose(ctx, data)
	if err != nil {
		return graph.Outcome{}, err
	}
	res, ok := r.(changeResult)
	if !ok {
		return graph.Outcome{}, ErrUnknownOutcome
	}
	return res.outcome, res.err
}

// propose waits for the response of one entry.
func (n *Node) propose(ctx context.Context, data []byte) (any, error) {
	select {
	case <-n.stop:
		return nil, ErrClosed
	default:
	}
	return n.wait(ctx, n.raft.Apply(data, 5*time.Second))
}

// wait waits for a proposal, which raft may leave unanswered at shutdown (its futures have no timeout).
func (n *Node) wait(ctx context.Context, f raft.ApplyFuture) (any, error) {
	done := make(chan error, 1)
	go func() { done <- f.Error() }() // ends with raft's shutdown at the latest, or with the process
	select {
	case err := <-done:
		return f.Response(), outcome(err)
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrUnknownOutcome, ctx.Err())
	case <-n.stop:
		return nil, fmt.Errorf("%w: %w", ErrUnknownOutcome, ErrClosed)
	}
}

// outcome sorts raft's errors into "not applied" and "unknown".
func outcome(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress),
		errors.Is(err, raft.ErrEnqueueTimeout), errors.Is(err, raft.ErrAbortedByRestore):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	default:
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
}

// Ready is nil when the node takes proposals and has applied what was committed before it led.
func (n *Node) Ready(ctx context.Context) error {
	if n.raft.State() != raft.Leader {
		return ErrUnavailable
	}
	done := make(chan error, 1)
	go func() { done <- n.raft.Barrier(5 * time.Second).Error() }()
	select {
	case err := <-done:
		return outcome(err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// AwaitReady polls Ready until it is nil or ctx ends.
func (n *Node) AwaitReady(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := n.Ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("raftfsm: not ready: %w", err)
		case <-tick.C:
		}
	}
}

// Close stops the loops and raft, and records the high-water mark. The log stays open for its owner to close.
func (n *Node) Close() error {
	close(n.stop)
	n.loops.Wait()
	err := n.raft.Shutdown().Error()
	if n.Version().Index != n.saved {
		err = errors.Join(err, n.storeGraph())
	}
	err = errors.Join(err, n.log.Flush(), n.markHighWater(), n.stable.Close())
	return err
}

func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}
