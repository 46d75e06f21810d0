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
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/graph/version"
	"hpfriends/raftfsm/apply"
	"hpfriends/raftfsm/clock"
	"hpfriends/raftfsm/level"
	"hpfriends/raftfsm/raftlog"
	"hpfriends/raftfsm/repair"
	"hpfriends/raftfsm/retention"
	"hpfriends/raftfsm/store"
)

// Errors of proposals.
var (
	// ErrUnavailable: the node cannot take changes now; it was not applied. Try again.
	ErrUnavailable error = unavailable("raftfsm: this node takes no changes now: try again in a moment")
	// ErrUnknownOutcome: the change may or may not have been applied. Look before trying again.
	ErrUnknownOutcome = errors.New("raftfsm: the outcome is unknown: look whether it was applied before trying again")
	// ErrDiskFull: the disk is almost full, and nothing is taken until there is room again.
	ErrDiskFull = store.ErrDiskFull
	// ErrOlder: a member runs an older program, which would stop at this.
	ErrOlder = level.ErrOlder
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
	Fail   func(error)                 // ends the process; nil: the error is logged and the process exits
	Space  func() (store.Space, error) // nil: of the file system that holds Dir
	Wall   func() time.Time            // the machine's clock; nil: time.Now
	// Applied is told how long each call took in which raft had entries applied; nil: nobody is.
	Applied Observer

	Retention retention.Policy
	Cluster   *Cluster // nil: the node is alone
}

// Node is one member of the raft group.
type Node struct {
	id string
	stores
	fsm  *apply.FSM
	raft *raft.Raft
	slog *slog.Logger
	fail func(error) // ends the process

	keeper *retention.Keeper
	clock  *clock.Clock

	members *Members // nil: alone

	checkpointer checkpointer
	proof        proof

	stop  chan struct{}
	loops sync.WaitGroup
	saved uint64 // index of the newest stored graph; owned by maintain
}

// stores are what a node has on its disk.
type stores struct {
	log    *eventlog.Log
	stable *store.Stable
	mark   *store.HighWater
	stalls *store.Stalls
	disk   *store.Disk

	repairer *repair.Repairer
}

// Open starts the node. Its background loops run until Close.
func Open(c Config) (*Node, error) {
	if c.Fail == nil {
		c.Fail = exitOn(c.Logger)
	}
	stable, err := store.OpenStable(c.Dir)
	if err != nil {
		return nil, err
	}
	n := &Node{
		stores: stores{
			c.Log, stable, store.NewHighWater(c.Log, stable), new(store.Stalls), store.NewDisk(c.Dir, c.Space, c.Log, c.Logger),
			nil,
		}, slog: c.Logger, fail: c.Fail,
		keeper: retention.NewKeeper(c.Retention, c.Log), stop: make(chan struct{}),
	}
	n.checkpointer.init(n)
	n.repairer = repair.New(repair.Config{Log: c.Log, Logger: c.Logger, Full: n.Full,
		Peers: func() []string { return n.members.Peers() },
		Ask: func(ctx context.Context, peer string, question []byte) ([]byte, error) {
			return n.members.net.Call(ctx, peer, methodEntries, question)
		},
	})
	if err := n.open(c); err != nil {
		return nil, errors.Join(err, n.abandon(c))
	}
	n.loops.Go(func() { n.disk.Watch(n.stop) })
	n.loops.Go(func() { n.repairer.Run(n.checkpointer.ctx) })
	n.loops.Add(3)
	go n.maintain()
	go n.retain()
	go n.checkpointer.run()
	return n, nil
}

// abandon closes what a failed open has opened.
func (n *Node) abandon(c Config) error {
	err := n.stable.Close()
	switch {
	case n.members != nil && n.members.net != nil:
		err = errors.Join(err, n.members.net.Close())
	case c.Cluster != nil && c.Cluster.Listener != nil:
		err = errors.Join(err, c.Cluster.Listener.Close())
	}
	return err
}

func (n *Node) open(c Config) error {
	if err := checkStores(n.stable, n.log); err != nil {
		return err
	}
	cluster, err := n.identify(c)
	if err != nil {
		return err
	}
	last, err := n.stable.Clock()
	if err != nil {
		return err
	}
	n.clock = clock.New(last, cmp.Or(c.Retention.Grace, clock.DefaultGrace), c.Wall)
	if n.fsm, err = apply.New(n.log, c.Logger, c.Fail); err != nil {
		return err
	}
	n.saved = n.fsm.Version().Index
	if c.Cluster != nil {
		if err := n.enroll(c, cluster); err != nil {
			return err
		}
	}
	return n.startRaft(c)
}

func (n *Node) startRaft(c Config) error {
	meta, err := n.fsm.Applied()
	if err != nil {
		return err
	}
	conf := raft.DefaultConfig()
	conf.LocalID = raft.ServerID(n.id)
	conf.NoSnapshotRestoreOnStart = true
	conf.SnapshotThreshold = 1 << 62 // never: see snapshots
	conf.TrailingLogs = 1 << 62
	conf.MaxAppendEntries = 64
	conf.Logger = raftlog.New(n.slog)
	// One voter elects itself as soon as its own timeout passes.
	conf.HeartbeatTimeout, conf.ElectionTimeout = 50*time.Millisecond, 50*time.Millisecond
	conf.LeaderLeaseTimeout = 50 * time.Millisecond
	addr, alone := raft.NewInmemTransport(raft.ServerAddress(n.id))
	transport, first := raft.Transport(alone), true
	if m := n.members; m != nil {
		m.tune(conf)
		addr, transport, first = raft.ServerAddress(m.config.Advertise), m.transport, m.config.Bootstrap
	}
	logs, err := store.NewLog(n.log, n.mark, n.stalls, n.disk)
	if err != nil {
		return err
	}
	stable := &store.WatchedStable{StableStore: n.stable, Stalls: n.stalls}
	if n.members != nil {
		n.members.store = logs
	}
	snaps, err := newSnapshots(n.log, c.Dir, meta)
	if err != nil {
		return err
	}

	begun, err := raft.HasExistingState(logs, stable, snaps)
	if err != nil {
		return fmt.Errorf("raftfsm: look for existing state: %w", err)
	}
	if !begun && first {
		one := raft.Configuration{Servers: []raft.Server{{ID: conf.LocalID, Address: addr}}}
		if err := raft.BootstrapCluster(conf, logs, stable, snaps, transport, one); err != nil {
			return fmt.Errorf("raftfsm: bootstrap: %w", err)
		}
	}
	fsm := &watchedFSM{n.fsm, n.stalls, c.Applied}
	if n.raft, err = raft.NewRaft(conf, fsm, logs, stable, snaps, transport); err != nil {
		return fmt.Errorf("raftfsm: start raft: %w", err)
	}
	snaps.started.Store(true)
	if n.members != nil {
		n.members.start()
	}
	return nil
}

// Full is ErrDiskFull while the node refuses proposals for want of space.
func (n *Node) Full() error { return n.disk.Full() }

// Refused is how often a proposal was refused for want of space.
func (n *Node) Refused() uint64 { return n.disk.Refused() }

// Repairs is what was found damaged on this node's disk, and repaired from the other members.
func (n *Node) Repairs() repair.Status { return n.repairer.Status() }

// ID is the node's identity, fixed at its first start.
func (n *Node) ID() string { return n.id }

// Cluster is the identity of the cluster that the node is of.
func (n *Node) Cluster() (string, error) { return n.stable.Stored("cluster") }

// Now is the time by which things begin and end on this node; it never goes back. See package clock.
func (n *Node) Now() time.Time { return n.clock.Now() }

// Version is the newest version of the graph.
func (n *Node) Version() *version.Version { return n.fsm.Version() }

// Graph is the newest graph.
func (n *Node) Graph() *graph.Graph { return n.Version().Graph }

// Change proposes a command and answers once this node has applied it. A refusal is a *graph.Error.
func (n *Node) Change(ctx context.Context, c graph.Command) (graph.Outcome, error) {
	if c.Time.IsZero() {
		c.Time = n.clock.Now().UTC()
	}
	data, err := apply.EncodeChange(c)
	if err == nil {
		err = n.takes(data)
	}
	if err != nil {
		return graph.Outcome{}, err
	}
	r, err := n.propose(ctx, data)
	if err != nil {
		return graph.Outcome{}, err
	}
	res, ok := r.(apply.ChangeResult)
	if !ok {
		return graph.Outcome{}, ErrUnknownOutcome
	}
	return res.Outcome, res.Err
}

// Ready is nil when the node takes proposals and has applied, nearly, what was committed.
func (n *Node) Ready(ctx context.Context) error {
	if !n.Leading() {
		if n.members == nil {
			return ErrUnavailable
		}
		return n.members.following(ctx)
	}
	return n.proven(ctx)
}

// AwaitReady polls Ready until it is nil or ctx ends; then it says why the node was not ready.
func (n *Node) AwaitReady(ctx context.Context) error {
	pause := 5 * time.Millisecond
	if n.members != nil {
		pause = 50 * time.Millisecond // it asks the leader each time
	}
	why := poll(ctx, pause, n.members.Removed(), n.Ready)
	if why == nil {
		return nil
	}
	select {
	case <-n.members.Removed():
		return n.members.Why()
	default:
		return fmt.Errorf("raftfsm: not ready: %w", why)
	}
}

// poll asks until ready answers nil, ctx ends or stop is closed, and returns the newest answer that does not only say
// that time is over.
func poll(
	ctx context.Context, pause time.Duration, stop <-chan struct{}, ready func(context.Context) error,
) (why error) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		if why == nil || ctx.Err() == nil {
			why = err
		}
		select {
		case <-ctx.Done():
			return why
		case <-stop:
			return why
		case <-tick.C:
		}
	}
}

// Close hands leadership over, stops the loops and raft, and records the high-water mark. The log stays open for its
// owner to close.
func (n *Node) Close() error {
	n.members.warnOfStopping()
	n.members.handOver()
	close(n.stop)
	n.checkpointer.end()
	n.loops.Wait()
	err := n.raft.Shutdown().Error()
	n.fsm.Close()
	if n.members != nil {
		err = errors.Join(err, n.members.close())
	}
	if n.Version().Index != n.saved {
		err = errors.Join(err, n.storeGraph())
	}
	n.storeClock()
	err = errors.Join(err, n.log.Flush(), n.mark.Raise(), n.stable.Close())
	return err
}

func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}
