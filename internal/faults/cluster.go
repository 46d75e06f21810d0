package faults

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/internal/freeport"
)

// Cluster is nodes that are one cluster, and the ways between them.
type Cluster struct {
	Nodes []*Node    // also those that are not there yet, or not any more
	Net   *Network   // nil: they have a LAN, or nothing
	LAN   *LAN       // nil: they have a Network
	Dice  *rand.Rand // of the faults; for one goroutine
	seed  uint64
	t     testing.TB

	advertised []string
	Cut        atomic.Bool // the nodes do not keep all of the log
}

// Form starts so many nodes and makes them one cluster of voters, with a Network between them. They end with the test.
// flags are given to each at every start.
func Form(t testing.TB, size int, flags ...string) *Cluster { return FormWith(t, size, 0, flags...) }

// FormWith is Form, with so many nodes more that may Join later.
func FormWith(t testing.TB, size, spare int, flags ...string) *Cluster {
	t.Helper()
	return formOn(t, newCluster(t, size, spare), flags)
}

// FormIn is Form, with the data of each node in a directory; empty: a temporary one.
func FormIn(t testing.TB, dirs []string, flags ...string) *Cluster {
	t.Helper()
	c := newCluster(t, len(dirs), 0)
	for i, dir := range dirs {
		if dir != "" {
			c.Nodes[i].Dir, c.Nodes[i].api = dir, api.Local(dir)
		}
	}
	return formOn(t, c, flags)
}

// FormBare is Form with nothing between the nodes: for processes beside them, which a Network would not know.
func FormBare(t testing.TB, size int) *Cluster {
	t.Helper()
	c := newCluster(t, size, 0)
	for _, n := range c.Nodes {
		address := freeport.On127(t)
		c.advertised = append(c.advertised, address)
		n.port, n.flags = freeport.On127(t), []string{"--cluster", address}
	}
	c.form()
	return c
}

func formOn(t testing.TB, c *Cluster, flags []string) *Cluster {
	t.Helper()
	var targets []string
	for range c.Nodes {
		targets = append(targets, freeport.On127(t))
	}
	c.Net, c.advertised = newNetwork(t, c.Nodes, targets)
	for i, n := range c.Nodes {
		n.port = freeport.On127(t)
		n.flags = append([]string{"--cluster", targets[i], "--advertise", c.advertised[i]}, flags...)
	}
	c.form()
	return c
}

func newCluster(t testing.TB, size, spare int) *Cluster {
	t.Helper()
	c := &Cluster{t: t}
	c.Dice, c.seed = dice(t)
	for i := range size + spare {
		dir := t.TempDir()
		c.Nodes = append(c.Nodes, newNode(t, "n"+strconv.Itoa(i+1), dir))
		c.Nodes[i].absent.Store(i >= size)
	}
	t.Cleanup(c.end)
	return c
}

// form starts the first node, and has the others join it.
func (c *Cluster) form() {
	c.t.Helper()
	members := c.Members()
	c.Nodes[0].Start("--bootstrap")
	join := c.joinFlags(0)
	for _, i := range members[1:] {
		c.Nodes[i].Launch(join...)
	}
	for _, i := range members[1:] {
		c.Nodes[i].Await(30 * time.Second)
	}
	c.Until("all vote", 30*time.Second, func() bool { return len(c.Voters(0)) == len(members) })
}

// Heal lets everything pass between the nodes.
func (c *Cluster) Heal() {
	if c.LAN != nil {
		c.LAN.Heal()
		return
	}
	c.Net.Heal()
}

// end kills what still runs, and shows what the nodes said when the test has failed.
func (c *Cluster) end() {
	for _, n := range c.Nodes {
		n.Kill()
		if c.t.Failed() {
			c.t.Logf("%s said at last:\n%s", n.ID, n.Tail())
		}
	}
}

// joinFlags are those of a node that joins through another.
func (c *Cluster) joinFlags(at int) []string {
	c.t.Helper()
	token := filepath.Join(c.t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(c.Token(at)), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return []string{"--join", c.advertised[at], "--join-token-file", token}
}

// Join makes the next spare node a member, through another, and returns its place. It does not wait until it is ready:
// it catches up first.
func (c *Cluster) Join(at int, flags ...string) (place int) {
	c.t.Helper()
	for place = range c.Nodes {
		if n := c.Nodes[place]; n.absent.Load() && !n.Running() && n.said.Len() == 0 {
			n.absent.Store(false)
			n.Launch(append(c.joinFlags(at), flags...)...)
			return place
		}
	}
	c.t.Fatal("no spare node is left: form the cluster with more")
	return -1
}

// Forget says that a node does not come back.
func (c *Cluster) Forget(place int) {
	c.Nodes[place].Kill()
	c.Nodes[place].absent.Store(true)
}

// Members are the places of the nodes that are there, whether they run or not.
func (c *Cluster) Members() (places []int) {
	for i, n := range c.Nodes {
		if !n.absent.Load() {
			places = append(places, i)
		}
	}
	return places
}

// Token makes a token with which nodes join.
func (c *Cluster) Token(at int) string {
	c.t.Helper()
	out, err := joinToken(c.t.Context(), c.Nodes[at])
	c.must(at, err)
	return out
}

// joinToken has a node make a token, for all who join at once.
func joinToken(ctx context.Context, n *Node) (string, error) {
	in := api.NewJoinToken{Seconds: 600, Uses: 100}
	out, err := api.AddJoinToken.Call(ctx, n.api, api.With[api.NewJoinToken]{Body: in})
	return out.Token, err
}

// addUser has a node add a user.
func addUser(ctx context.Context, n *Node, handle string) error {
	_, err := api.AddUser.Call(ctx, n.api, api.With[api.NewUser]{Body: api.NewUser{Handle: handle}})
	return err
}

// order has a node do something to the cluster.
func order(ctx context.Context, n *Node, o api.Op[api.With[api.NodeOrder], api.None], node string) error {
	_, err := o.Call(ctx, n.api, api.With[api.NodeOrder]{Body: api.NodeOrder{Node: node}})
	return err
}

// must ends the test when a node's API refuses.
func (c *Cluster) must(at int, err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatalf("%s: %v", c.Nodes[at].ID, err)
	}
}

// Voters are the ids of the members with a vote that answer, as a node sees it.
func (c *Cluster) Voters(at int) (ids []string) {
	status, err := api.ShowCluster.Call(c.t.Context(), c.Nodes[at].api, api.None{})
	if err != nil {
		return nil
	}
	for _, m := range status.Members {
		if m.Role != "nonvoter" && m.Error == "" {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// State is what a node says of itself, without asking others.
type State struct {
	Leads                        bool
	Term, Commit, Applied, Floor uint64
}

// State asks a node. It fails when the node does not answer within a second.
func (n *Node) State(ctx context.Context) (s State, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	page, err := n.api.Metrics(ctx)
	if err != nil {
		return s, err
	}
	found := 0
	for lines := bufio.NewScanner(bytes.NewReader(page)); lines.Scan(); {
		name, text, _ := strings.Cut(lines.Text(), " ")
		v, _ := strconv.ParseFloat(text, 64)
		switch name {
		case "hpfriends_raft_leader":
			s.Leads = v == 1
		case "hpfriends_raft_term":
			s.Term = uint64(v)
		case "hpfriends_raft_commit_index":
			s.Commit = uint64(v)
		case "hpfriends_log_applied_index":
			s.Applied = uint64(v)
		case "hpfriends_log_floor_index":
			s.Floor = uint64(v)
		default:
			continue
		}
		found++
	}
	if found != 5 {
		return s, fmt.Errorf("%s: %d of 5 series found", n.ID, found)
	}
	return s, nil
}

// States are those of all nodes that answer, by their place.
func (c *Cluster) States() map[int]State {
	var mu sync.Mutex
	var asked sync.WaitGroup
	all := make(map[int]State)
	for i, n := range c.Nodes {
		if !n.Running() {
			continue
		}
		asked.Go(func() {
			if s, err := n.State(c.t.Context()); err == nil {
				mu.Lock()
				defer mu.Unlock()
				all[i] = s
			}
		})
	}
	asked.Wait()
	return all
}

// Leader waits until a node leads, and returns its place; of several by their own account, the one of the newest term.
func (c *Cluster) Leader() (at int) {
	c.t.Helper()
	c.Until("a node leads", 20*time.Second, func() bool {
		at = -1
		var term uint64
		for i, s := range c.States() {
			if s.Leads && s.Term >= term {
				at, term = i, s.Term
			}
		}
		return at >= 0
	})
	return at
}

// Until waits for a condition, and ends the test when it does not hold in time. It returns how long it took.
func (c *Cluster) Until(what string, limit time.Duration, ok func() bool) time.Duration {
	c.t.Helper()
	begin := time.Now()
	for !ok() {
		if time.Since(begin) > limit {
			c.t.Fatalf("not within %v: %s", limit, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return time.Since(begin)
}

// Converged reports whether all nodes have applied what any of them knows to be committed, and one leads.
func (c *Cluster) Converged() bool {
	states := c.States()
	leads := 0
	var commit uint64
	for _, s := range states {
		commit = max(commit, s.Commit)
		if s.Leads {
			leads++
		}
	}
	for _, s := range states {
		if s.Applied < commit {
			return false
		}
	}
	return len(states) == len(c.Members()) && leads == 1
}

// caughtUp reports whether all nodes answer and none is far behind, while messages are being published.
func (c *Cluster) caughtUp() bool {
	const near = 256 // entries
	states := c.States()
	var commit uint64
	for _, s := range states {
		commit = max(commit, s.Commit)
	}
	for _, s := range states {
		if s.Applied+near < commit {
			return false
		}
	}
	return len(states) == len(c.Members())
}

// reached reports whether all nodes have applied an entry.
func (c *Cluster) reached(index uint64) bool {
	states := c.States()
	for _, s := range states {
		if s.Applied < index {
			return false
		}
	}
	return len(states) == len(c.Members())
}

// Others are the places of all nodes but one.
func (c *Cluster) Others(than int) (all []int) {
	for _, i := range c.Members() {
		if i != than {
			all = append(all, i)
		}
	}
	return all
}

// Sleep lets a fault last, or the cluster be.
func (c *Cluster) Sleep(d time.Duration) {
	select {
	case <-time.After(d):
	case <-c.t.Context().Done():
	}
}
