package raftfsm

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/raftfsm/link"
	"hpfriends/raftfsm/retention"
	"hpfriends/raftfsm/store"
)

// simulation is a cluster in one process, in a synctest bubble: real nodes on stores in memory that lose what was not
// synced, and a network that can be cut in one direction or both, delays and loses answers.
type simulation struct {
	t    *testing.T
	rng  *rand.Rand
	lose float64       // share of the answers to calls that are lost
	slow time.Duration // calls take up to this much longer than raft's messages
	sync time.Duration // syncs of logs take up to this
	// tweak takes a protection out of a node before it starts; nil: none.
	tweak func(*Node)
	grace time.Duration // of notifications; 0: the usual one
	// failed is told of a node that would have ended its process; nil: the test fails.
	failed func(id string, err error)
	brash  bool // negative control: nothing is withheld while a store is stuck
	lies   bool // negative control: disks say that they have synced, and have not

	midway int // nodes that lost their power while they synced

	mu    sync.Mutex
	found []string           // what is wrong on disks that lie
	cut   map[[2]string]bool // from, to
	nodes map[string]*simNode
	names []string

	sessions  byte // of fill
	retention retention.Policy
	// starve: this leader, with each of the runs of its replication, brings this member heartbeats only.
	starve [2]string
}

// simNode is one node of an simulation, whether it runs or not.
type simNode struct {
	w     *simulation
	id    string
	dir   string // of the stable store, which is a file
	fs    *vfs.MemFS
	log   *eventlog.Log
	node  *Node
	inmem *raft.InmemTransport
	first bool

	stuck chan struct{} // while it is open, syncs of the log do not end; guarded by w.mu
	ended error         // what the process would have ended with; guarded by w.mu

	syncing atomic.Bool // a sync of the log is under way
	full    atomic.Bool // its disk has no room
}

func newSimulation(t *testing.T, seed uint64, names ...string) *simulation {
	w := &simulation{t: t, rng: rand.New(rand.NewPCG(seed, 0)), cut: make(map[[2]string]bool),
		nodes: make(map[string]*simNode), names: names}
	for i, id := range names {
		w.nodes[id] = w.newNode(id, i == 0)
	}
	return w
}

func (w *simulation) newNode(id string, first bool) *simNode {
	return &simNode{w: w, id: id, dir: w.t.TempDir(), fs: vfs.NewCrashableMem(), first: first}
}

// float is a random number; the generator is shared.
func (w *simulation) float() float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rng.Float64()
}

// loses reports whether an answer gets lost.
func (w *simulation) loses() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rng.Float64() < w.lose
}

func (w *simulation) pick(n int) int { return int(w.float() * float64(n)) }

// some is so many of the nodes, in any order.
func (w *simulation) some(n int) (all []*simNode) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, i := range w.rng.Perm(len(w.names))[:n] {
		all = append(all, w.nodes[w.names[i]])
	}
	return all
}

// sever cuts, or joins again, the way from one node to another.
func (w *simulation) sever(from, to string, on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut[[2]string{from, to}] = on
}

// isolate cuts a node off from all others.
func (w *simulation) isolate(id string, on bool) {
	for _, other := range w.names {
		w.sever(id, other, on)
		w.sever(other, id, on)
	}
}

// pass waits as long as a message takes, and fails when it does not arrive.
func (w *simulation) pass(from, to string) error {
	time.Sleep(time.Duration(w.float() * float64(2*time.Millisecond)))
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut[[2]string{from, to}] || w.nodes[to] == nil || w.nodes[to].node == nil {
		return fmt.Errorf("no way from %s to %s", from, to)
	}
	return nil
}

func (w *simulation) start(id string) *simNode {
	w.t.Helper()
	c, err := w.launch(id)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *simulation) launch(id string) (_ *simNode, err error) {
	c := w.nodes[id]
	c.log, err = eventlog.Open(eventlog.Config{Dir: "log", FS: c.disk(), Logger: slog.New(slog.DiscardHandler),
		Fatal: func(err error) { w.wrong("%s: log: %v", id, err) }})
	if err != nil {
		return nil, err
	}
	logger := slog.New(slog.DiscardHandler)
	if testing.Verbose() && os.Getenv("HPFRIENDS_TEST_LOG") != "" {
		logger = slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})).With("on", id)
	}
	node, err := Open(Config{
		Dir: c.dir, NodeID: id, Log: c.log, Logger: logger,
		Fail:      c.end,
		Space:     c.space,
		Retention: w.retention,
		Cluster:   &Cluster{Advertise: id, Bootstrap: c.first, connect: c.connect, grace: w.grace},
	})
	if err != nil {
		return nil, errors.Join(err, c.log.Close())
	}
	w.mu.Lock()
	c.node = node
	w.mu.Unlock()
	return c, nil
}

// space is what the node has on its disk: plenty, or nothing that it may use.
func (c *simNode) space() (store.Space, error) {
	if c.full.Load() {
		return store.Space{Free: 1 << 20, Total: 1 << 41}, nil
	}
	return store.Space{Free: 1 << 40, Total: 1 << 41}, nil
}

// disk is the file system on which the log is.
func (c *simNode) disk() vfs.FS {
	return &slowDisk{c.fs, c.w.lies, func() {
		c.w.mu.Lock()
		stuck := c.stuck
		c.w.mu.Unlock()
		if stuck != nil {
			<-stuck
		}
		c.syncing.Store(true)
		time.Sleep(time.Duration(c.w.float() * float64(c.w.sync)))
		c.syncing.Store(false)
	}}
}

// jam makes the disk hang until the result is called.
func (c *simNode) jam() (release func()) {
	stuck := make(chan struct{})
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	c.stuck = stuck
	return func() {
		c.w.mu.Lock()
		defer c.w.mu.Unlock()
		c.stuck = nil
		close(stuck)
	}
}

// end is fail-stop. Only a disk that hangs is a reason, and what a test expects.
func (c *simNode) end(err error) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	c.ended = err
	switch {
	case c.w.failed != nil:
		c.w.failed(c.id, err)
	case c.stuck == nil || !errors.Is(err, ErrStuck):
		c.w.t.Errorf("%s: fail-stop: %v", c.id, err)
	}
}

// why is what the process would have ended with.
func (c *simNode) why() error {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	return c.ended
}

// connect is the node's network.
func (c *simNode) connect(n *Node) (network, raft.Transport, error) {
	if c.w.tweak != nil {
		c.w.tweak(n)
	}
	_, c.inmem = raft.NewInmemTransportWithTimeout(raft.ServerAddress(c.id), 2*time.Second)
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	for _, other := range c.w.nodes {
		if other.inmem != nil {
			other.inmem.Connect(raft.ServerAddress(c.id), c.inmem)
			c.inmem.Connect(raft.ServerAddress(other.id), other.inmem)
		}
	}
	return &calls{c}, &lossy{InmemTransport: c.inmem, c: c}, nil
}

// stop ends a node properly.
func (c *simNode) stop() {
	c.w.t.Helper()
	var err error
	closed := make(chan struct{})
	go func() { // a log that cannot write ends who asks it to
		defer close(closed)
		err = c.node.Close()
	}()
	<-closed
	if err != nil {
		c.w.wrong("%s: %v", c.id, err)
	}
	c.forget()
}

// wrong fails the test, or is what was to be found on disks that lie.
func (w *simulation) wrong(format string, args ...any) {
	w.t.Helper()
	if !w.lies {
		w.t.Errorf(format, args...)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.found = append(w.found, fmt.Sprintf(format, args...))
}

// forget ends what is left of a node that is closed.
func (c *simNode) forget() {
	c.w.t.Helper()
	c.w.mu.Lock()
	c.node = nil
	c.w.mu.Unlock()
	if err := c.log.Close(); err != nil {
		c.w.wrong("%s: %v", c.id, err)
	}
}

// crash ends a node as a loss of power would: what was not synced is lost, or a part of it. abandon ends what uses the
// node, after the moment of the crash.
func (c *simNode) crash(abandon func()) {
	c.w.t.Helper()
	c.w.blackout([]*simNode{c}, func(*simNode) { abandon() })
}

// blackout takes the power of some nodes at one instant. A node's two stores are of that instant too: a sync of the log
// may be under way, a commit of the stable store is not, for which see TestTornCommitOfTheStableStoreIsUndone.
func (w *simulation) blackout(victims []*simNode, abandon func(*simNode)) {
	w.t.Helper()
	for _, c := range victims {
		w.isolate(c.id, true)
	}
	synctest.Wait()
	disks, dirs := make([]*vfs.MemFS, len(victims)), make([]string, len(victims))
	for i, c := range victims {
		if c.syncing.Load() {
			w.midway++
		}
		seed := w.pick(1 << 30)
		disks[i] = c.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: w.pick(101),
			RNG: rand.New(rand.NewPCG(uint64(seed), 1))})
		dirs[i] = w.t.TempDir()
		stable, err := os.ReadFile(filepath.Join(c.dir, store.StableFile))
		if err == nil {
			errNote := os.WriteFile(filepath.Join(dirs[i], store.NoteFile), nil, 0o600) // what power loss may leave of it
			err = errors.Join(errNote, os.WriteFile(filepath.Join(dirs[i], store.StableFile), stable, 0o600))
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
	for i, c := range victims {
		abandon(c)
		c.stop()
		c.fs, c.dir = disks[i], dirs[i]
	}
	for _, c := range victims {
		w.isolate(c.id, false)
	}
}

// up are the nodes that run.
func (w *simulation) up() (all []*simNode) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range w.names {
		if c := w.nodes[id]; c.node != nil {
			all = append(all, c)
		}
	}
	return all
}

// leader is the node that leads, by its own account; of several the one of the newest term.
func (w *simulation) leader() (best *simNode) {
	for _, c := range w.up() {
		if c.node.Leading() && (best == nil || c.node.raft.CurrentTerm() > best.node.raft.CurrentTerm()) {
			best = c
		}
	}
	return best
}

// until waits in virtual time.
func (w *simulation) until(what string, limit time.Duration, ok func() bool) time.Duration {
	w.t.Helper()
	begin := time.Now()
	for !ok() {
		if time.Since(begin) > limit {
			w.t.Fatalf("not within %v: %s", limit, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(begin)
}

// form makes one cluster of all nodes: the first begins it, the others are admitted as joiners are.
func (w *simulation) form() {
	w.t.Helper()
	first := w.start(w.names[0])
	w.until("the first node leads, and has a configuration", 10*time.Second, func() bool {
		return first.node.Leading() && first.node.fsm.Configuration() != nil
	})
	for _, id := range w.names[1:] {
		w.start(id)
		j := link.Joiner{Node: id, Addr: id}
		j.Token = sha256.Sum256([]byte(j.Node))
		made := entry.Token{
			Step: entry.TokenMade, Hash: j.Token, Time: first.node.Now(), Expires: first.node.Now().Add(time.Hour), Uses: 1,
		}
		if _, err := first.node.propose(w.t.Context(), made.Encode()); err != nil {
			w.t.Fatal(err)
		}
		if _, err := (admission{first.node.members}).Welcome(w.t.Context(), j); err != nil {
			w.t.Fatal(err)
		}
		if err := (admission{first.node.members}).Admit(w.t.Context(), j); err != nil {
			w.t.Fatal(err)
		}
		w.until(id+" votes", 30*time.Second, func() bool {
			s, ok := first.node.members.dir.server(id)
			return ok && s.Suffrage == raft.Voter
		})
	}
}

// lossy is raft's transport in an simulation.
type lossy struct {
	*raft.InmemTransport
	c        *simNode
	withheld atomic.Bool
}

// Withhold does what link.Transport does.
func (l *lossy) Withhold(on bool) { l.withheld.Store(on && !l.c.w.brash) }

// call is one that is withheld while the store is stuck.
func (l *lossy) call(to raft.ServerID, f func() error) error {
	if l.withheld.Load() {
		return link.ErrWithheld
	}
	return l.rpc(to, f)
}

func (l *lossy) rpc(to raft.ServerID, f func() error) error {
	if err := l.c.w.pass(l.c.id, string(to)); err != nil {
		time.Sleep(100 * time.Millisecond)
		return err
	}
	if err := f(); err != nil {
		return err
	}
	return l.c.w.pass(string(to), l.c.id)
}

func (l *lossy) AppendEntriesPipeline(raft.ServerID, raft.ServerAddress) (raft.AppendPipeline, error) {
	return nil, raft.ErrPipelineReplicationNotSupported
}

func (l *lossy) AppendEntries(
	id raft.ServerID, to raft.ServerAddress, a *raft.AppendEntriesRequest, r *raft.AppendEntriesResponse,
) error {
	l.c.w.mu.Lock()
	starve := l.c.w.starve == [2]string{l.c.id, string(id)}
	l.c.w.mu.Unlock()
	if starve && (a.PrevLogEntry > 0 || len(a.Entries) > 0) {
		time.Sleep(100 * time.Millisecond)
		return errors.New("stuck")
	}
	return l.call(id, func() error { return l.InmemTransport.AppendEntries(id, to, a, r) })
}

func (l *lossy) InstallSnapshot(id raft.ServerID, to raft.ServerAddress, a *raft.InstallSnapshotRequest,
	r *raft.InstallSnapshotResponse, data io.Reader) error {
	return l.call(id, func() error { return l.InmemTransport.InstallSnapshot(id, to, a, r, data) })
}

func (l *lossy) RequestVote(
	id raft.ServerID, to raft.ServerAddress, a *raft.RequestVoteRequest, r *raft.RequestVoteResponse,
) error {
	return l.call(id, func() error { return l.InmemTransport.RequestVote(id, to, a, r) })
}

func (l *lossy) RequestPreVote(
	id raft.ServerID, to raft.ServerAddress, a *raft.RequestPreVoteRequest, r *raft.RequestPreVoteResponse,
) error {
	return l.call(id, func() error { return l.InmemTransport.RequestPreVote(id, to, a, r) })
}

func (l *lossy) TimeoutNow(
	id raft.ServerID, to raft.ServerAddress, a *raft.TimeoutNowRequest, r *raft.TimeoutNowResponse,
) error {
	return l.rpc(id, func() error { return l.InmemTransport.TimeoutNow(id, to, a, r) })
}

// calls is the calls of a node in an simulation.
type calls struct{ c *simNode }

func (n *calls) Recheck()     {}
func (n *calls) Close() error { return nil }

func (n *calls) Call(ctx context.Context, peer string, method byte, req []byte) ([]byte, error) {
	w := n.c.w
	time.Sleep(time.Duration(w.float() * float64(w.slow)))
	if err := w.pass(n.c.id, peer); err != nil {
		return nil, fmt.Errorf("%w: %w", link.ErrNotDone, err)
	}
	w.mu.Lock()
	node := w.nodes[peer].node
	w.mu.Unlock()
	if node == nil {
		return nil, link.ErrNotDone
	}
	type reply struct {
		body []byte
		err  error
	}
	answer := make(chan reply, 1)
	go func() { // the other machine goes on when the caller gives up
		body, err := handler{node.members}.Handle(context.WithoutCancel(ctx), n.c.id, method, req)
		answer <- reply{body, err}
	}()
	select {
	case r := <-answer:
		if err := w.pass(peer, n.c.id); err != nil || w.loses() {
			return nil, fmt.Errorf("%w: the answer was lost", link.ErrUnknownOutcome)
		}
		if _, ok := errors.AsType[*link.Failure](r.err); !ok && r.err != nil && !errors.Is(r.err, link.ErrNotDone) &&
			!errors.Is(r.err, link.ErrUnknownOutcome) {
			r.err = &link.Failure{Code: link.CodeFailed, Text: r.err.Error()}
		}
		return r.body, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", link.ErrUnknownOutcome, ctx.Err())
	}
}
