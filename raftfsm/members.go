package raftfsm

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/internal/handshakes"
	"hpfriends/raftfsm/level"
	"hpfriends/raftfsm/link"
	"hpfriends/raftfsm/raftlog"
	"hpfriends/raftfsm/store"
	"hpfriends/raftfsm/transport"
)

// Cluster makes a node a member of a cluster. Its certificate is in the data directory: Open puts it there for the
// first node, Join for the others.
type Cluster struct {
	Listener  net.Listener // of the cluster port; owned by the node from Open on, also when Open fails
	Advertise string       // host:port that the other members dial
	// Handshakes bounds the work that handshakes of others are; nil: nothing does.
	Handshakes *handshakes.Gate
	Bootstrap  bool   // begin a cluster with this node alone, which may have been alone until now
	Reader     bool   // stays without a vote
	Key        []byte // what a joining node gets beside its certificate: the data key
	Version    string // of the program, for the status
	Started    time.Time
	// Handle answers what Ask of another node sends. It may be called before Open returns. nil: such calls are refused.
	Handle func(ctx context.Context, peer string, request []byte) ([]byte, error)

	// For tests; nil: the cluster port, 0: the usual.
	connect func(*Node) (network, raft.Transport, error)
	grace   time.Duration
	older   bool // a program that tells no level
}

// network is how a node reaches the others. *link.Port is one.
type network interface {
	Call(ctx context.Context, peer string, method byte, req []byte) ([]byte, error)
	Recheck()
	Close() error
}

// Timing of elections. A follower waits one to two timeouts for its leader, then all agree within milliseconds; so
// after a crash a new leader is there within 2 s. A disk sync that takes longer than a timeout costs an election, no
// more.
const (
	electionTimeout = 700 * time.Millisecond
	leaseTimeout    = 350 * time.Millisecond
	// commitTimeout is how soon followers hear of a commit when the notification is lost.
	commitTimeout = 50 * time.Millisecond
)

// Members is a node's part in its cluster: who the others are, and what an operator does with them. A node that is
// alone has a nil one, whose methods say so. All methods may be called from any goroutine.
type Members struct {
	config    Cluster
	node      *Node
	net       network
	transport *transport.Transport
	cluster   string // id

	dir        directory
	lead       leadership
	order      sequencer
	store      *store.Log
	removal    removal
	reconciler reconciler
	drain      drain
	forwarded  atomic.Uint64 // proposals sent to the leader
	loops      sync.WaitGroup
}

// keyLevels is where the stable store keeps what the members know.
var keyLevels = []byte("hpfriends/levels")

// enroll opens the cluster port with this node's identity.
func (n *Node) enroll(c Config, cluster string) error {
	m := &Members{config: *c.Cluster, node: n, cluster: cluster}
	m.dir.node, m.dir.started = n, make(chan struct{})
	m.reconciler.m = m
	m.lead.init()
	m.removal.init()
	n.members = m
	learned, err := loadLearned(n.stable)
	if err != nil {
		return err
	}
	m.dir.learned.Store(learned)
	levels, err := n.stable.Lookup(keyLevels)
	if err != nil {
		return err
	}
	m.reconciler.levels, err = level.New(levels, func(v []byte) error { return n.stable.Set(keyLevels, v) })
	if err != nil {
		return err
	}
	if m.config.Bootstrap && learned != nil {
		return fmt.Errorf("%w: --bootstrap would begin another beside it: start it without", ErrHasJoined)
	}
	if err := m.drain.init(n.stable); err != nil {
		return err
	}
	connect := m.config.connect
	if connect == nil {
		connect = func(n *Node) (network, raft.Transport, error) { return m.port(c.Dir, c.Logger) }
	}
	port, base, err := connect(n)
	if err != nil {
		return err
	}
	m.net = port
	m.transport, err = transport.New(base, transport.Config{
		Room: n.disk.Room, Read: n.log.LogStore().GetLog, Grace: m.config.grace,
	})
	return err
}

// port opens the real one.
func (m *Members) port(dir string, logger *slog.Logger) (network, raft.Transport, error) {
	id, err := m.identity(dir)
	if err != nil {
		return nil, nil, err
	}
	p, err := link.Open(link.Config{
		Identity: id, Advertise: m.config.Advertise, Listener: m.config.Listener, Logger: logger,
		Members: &m.dir, Handler: handler{m}, Admission: admission{m}, Refused: m.refusedBy, Now: m.node.Now,
		Handshakes: m.config.Handshakes,
	})
	if err != nil {
		return nil, nil, err
	}
	return p, p.Transport(raftlog.New(logger)), nil
}

// identity loads this node's certificate, or makes a cluster's first one.
func (m *Members) identity(dir string) (*link.Identity, error) {
	id, err := link.Load(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if !m.config.Bootstrap {
			return nil, fmt.Errorf("raftfsm: %s is not of any cluster yet: give --bootstrap to begin one, or --join and "+
				"--join-token-file", dir)
		}
		if id, err = link.Bootstrap(m.cluster, m.node.id); err != nil {
			return nil, err
		}
		return id, id.Save(dir)
	}
	return id, err
}

// tune sets what differs from a node that is alone.
func (m *Members) tune(conf *raft.Config) {
	conf.HeartbeatTimeout, conf.ElectionTimeout = electionTimeout, electionTimeout
	conf.LeaderLeaseTimeout, conf.CommitTimeout = leaseTimeout, commitTimeout
	conf.ShutdownOnRemove = false // the node has to say so, and a removal may be undone by a new leader
}

// up is nil once raft runs. Before, calls are refused.
func (m *Members) up() error {
	select {
	case <-m.dir.started:
		return nil
	default:
		return fmt.Errorf("%w: node %s is starting", link.ErrNotDone, m.node.id)
	}
}

// start begins what needs raft.
func (m *Members) start() {
	close(m.dir.started)
	m.loops.Go(func() { m.lead.follow(m.node.raft, m.node.stop) })
	m.loops.Go(func() { m.transport.Run(m.node.raft, m.node.log, m.node.stop) })
	m.loops.Go(m.reconciler.run)
	m.loops.Go(m.watchStore)
	m.loops.Go(m.watchDivergence)
}

// close ends what start began, and the port. raft is shut down already.
func (m *Members) close() error {
	m.loops.Wait()
	return m.net.Close()
}

// Leading reports whether this node leads: only then is it its turn to propose what any node could.
func (n *Node) Leading() bool { return n.raft.State() == raft.Leader }

// Members is this node's part in its cluster; nil when the node is alone.
func (n *Node) Members() *Members { return n.members }

// Advertised is the address of this node's cluster port, empty when the node is alone.
func (m *Members) Advertised() string {
	if m == nil {
		return ""
	}
	return m.config.Advertise
}

// Forwarded is how many proposals this node has sent to a leader elsewhere.
func (m *Members) Forwarded() uint64 {
	if m == nil {
		return 0
	}
	return m.forwarded.Load()
}
