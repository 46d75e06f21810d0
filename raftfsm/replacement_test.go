package raftfsm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/raftfsm/link"
	"hpfriends/raftfsm/store"
)

// portCluster is a cluster in one process whose nodes talk over real cluster ports.
type portCluster struct {
	t     *testing.T
	nodes map[string]*running
}

// newPortCluster begins one with its first node.
func newPortCluster(t *testing.T, founder string) *portCluster {
	c := &portCluster{t: t, nodes: make(map[string]*running)}
	c.open(founder, t.TempDir(), c.listen(), vfs.NewMem(), Cluster{Bootstrap: true})
	t.Cleanup(func() {
		for id := range c.nodes {
			c.close(id)
		}
	})
	return c
}

func (c *portCluster) listen() net.Listener {
	c.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	return l
}

// join admits a new node by a member; its log is on fs.
func (c *portCluster) join(id, by string, fs vfs.FS, m Cluster) {
	c.t.Helper()
	token, _, err := c.nodes[by].Members().NewJoinToken(c.t.Context(), time.Minute, 1, "root")
	if err != nil {
		c.t.Fatal(err)
	}
	dir, l := c.t.TempDir(), c.listen()
	err = Join(c.t.Context(), Joining{
		Dir: dir, NodeID: id, Token: token, Addr: c.nodes[by].Members().Advertised(), Advertise: l.Addr().String(),
		Key: func([]byte) error { return nil },
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.open(id, dir, l, fs, m)
}

func (c *portCluster) open(id, dir string, l net.Listener, fs vfs.FS, m Cluster) {
	c.t.Helper()
	log, err := eventlog.Open(eventlog.Config{Dir: "log", FS: fs, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		c.t.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		logger = slog.New(slog.NewTextHandler(c.t.Output(), nil)).With("on", id)
	}
	m.Listener, m.Advertise = l, l.Addr().String()
	n, err := Open(Config{
		Dir: dir, NodeID: id, Log: log, Logger: logger, Cluster: &m,
		Fail:  func(err error) { c.t.Errorf("%s: fail-stop: %v", id, err) },
		Space: func() (store.Space, error) { return store.Space{Free: 1 << 40, Total: 1 << 41}, nil },
	})
	if err != nil {
		log.Close()
		c.t.Fatal(err)
	}
	c.nodes[id] = &running{Node: n, log: log}
}

func (c *portCluster) close(id string) {
	r := c.nodes[id]
	delete(c.nodes, id)
	if err := errors.Join(r.Node.Close(), r.log.Close()); err != nil {
		c.t.Errorf("%s: %v", id, err)
	}
}

func (c *portCluster) until(what string, limit time.Duration, ok func() bool) {
	c.t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// votes reports whether a member has a vote, as by sees it.
func (c *portCluster) votes(id, by string) bool {
	s, ok := c.nodes[by].members.dir.server(id)
	return ok && s.Suffrage == raft.Voter
}

// A blank node reads the log from its beginning, where the configurations are of nodes that are long gone. It must go
// on taking today's members for members, whom those configurations do not know.
func TestBlankNodeJoinsAfterAllMembersWereReplaced(t *testing.T) {
	c := newPortCluster(t, "n1")
	c.until("n1 leads", 5*time.Second, c.nodes["n1"].Leading)
	in, noise := NewIngest(c.nodes["n1"].Node, nil), rand.NewChaCha8([32]byte{})
	stop := runIngest(t, in)
	for i := range 600 {
		c.nodes["n1"].mustChange(t, operator, graph.AddUser{Handle: fmt.Sprintf("user%d", i)})
		if i%50 == 0 { // a request has 1 MiB: twelve of them
			payload := make([]byte, 1<<20)
			_, _ = noise.Read(payload)
			f := frame("k", "c", string(payload))
			if err := in.Publish(t.Context(), &Source{Authkey: 1, Origin: 1}, "c", f, 1); err != nil {
				t.Fatal(err)
			}
		}
	}
	stop()
	c.join("n2", "n1", vfs.NewMem(), Cluster{})
	c.until("n2 votes", 20*time.Second, func() bool { return c.votes("n2", "n1") })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.nodes["n1"].Members().Leave(ctx, true); err != nil {
		t.Fatal(err)
	}
	c.close("n1")
	c.until("n2 leads alone", 10*time.Second, func() bool {
		return c.nodes["n2"].Leading() &&
			len(c.nodes["n2"].members.dir.IDs()) == 1
	})

	var slow atomic.Bool
	slow.Store(true)
	disk := slowDisk{FS: vfs.NewMem(), pause: func() {
		if slow.Load() {
			time.Sleep(300 * time.Millisecond) // for twelve requests: longer than a round of the reconciler
		}
	}}
	begin := time.Now()
	c.join("n3", "n2", disk, Cluster{Reader: true}) // no vote: a slow voter would hold up the leader
	c.until("n3 says how far it is behind", 5*time.Second, func() bool {
		s, ok := c.nodes["n3"].Members().Standing()
		return ok && s.Lag > 100 && s.Leader == "n2"
	})
	c.until("n3 has the graph", 20*time.Second, func() bool {
		return c.nodes["n3"].Graph().Index() == c.nodes["n2"].Graph().Index()
	})
	slow.Store(false)
	if took := time.Since(begin); took < 2*reconcileEvery {
		t.Errorf("the log was read in %v: too fast for the old configuration to matter", took)
	}

	n2, n3 := c.nodes["n2"], c.nodes["n3"]
	c.until("n3 says that it is not behind", 5*time.Second,
		func() bool { s, _ := n3.Members().Standing(); return s.Lag == 0 })
	if err := n2.Members().Promote(ctx, "n3", false); err != nil {
		t.Fatal(err)
	}
	c.until("n3 knows that it votes", 20*time.Second, func() bool { return c.votes("n3", "n3") && n2.Leading() })
	n2.members.refusedBy("n3", link.ErrNotMember) // as a node that is behind does, and a leader is followed
	if err := n2.Members().Why(); err != nil {
		t.Errorf("the leader takes itself for removed: %v", err)
	}
	n3.members.refusedBy("n2", link.ErrNotMember)
	if err := n3.Members().Why(); err == nil {
		t.Error("a follower that all other voters refuse goes on")
	}
}
