package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/internal/freeport"
	"hpfriends/internal/load"
	"hpfriends/internal/proc"
	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

// fleet is a cluster of server processes that nodes join and leave.
type fleet struct {
	t     *testing.T
	token string                 // file
	home  func(id string) string // makes the data directory of a node
	nodes map[string]*ship
	flags []string // of every start
}

// ship is one node, whether it runs or not.
type ship struct {
	id, dir, port string
	proc          *proc.Server
}

// startFleet begins a cluster with n voters, n1 the first.
func startFleet(t *testing.T, n int) *fleet {
	t.Helper()
	return startFleetIn(t, n, func(string) string { return t.TempDir() })
}

func startFleetIn(t *testing.T, n int, home func(id string) string) *fleet {
	t.Helper()
	if testing.Short() {
		t.Skip("several server processes")
	}
	f := &fleet{t: t, token: filepath.Join(t.TempDir(), "token"), home: home, nodes: make(map[string]*ship)}
	t.Cleanup(func() {
		for _, s := range f.nodes {
			if s.proc == nil {
				continue
			}
			s.proc.Kill()
			if said := s.proc.Said(); t.Failed() {
				t.Logf("%s said: …%s", s.id, said[max(0, len(said)-3000):])
			}
		}
	})
	f.add("n1")
	f.start("n1", "--bootstrap")
	for i := 2; i <= n; i++ {
		f.join("n"+strconv.Itoa(i), "n1")
	}
	f.awaitVoters("n1", n)
	return f
}

// add makes a node that does not run yet.
func (f *fleet) add(id string) {
	f.t.Helper()
	f.nodes[id] = &ship{id: id, dir: f.home(id), port: freeport.On127(f.t)}
}

// join adds a node and has it join at another.
func (f *fleet) join(id, at string, flags ...string) {
	f.t.Helper()
	if f.nodes[id] == nil {
		f.add(id)
	}
	f.makeToken(at)
	f.start(id, append([]string{"--join", f.nodes[at].port, "--join-token-file", f.token}, flags...)...)
}

func (f *fleet) makeToken(at string) {
	f.t.Helper()
	var out struct{ Token string }
	f.must(f.call(at, "POST", "/api/v1/cluster/tokens", map[string]any{"seconds": 600}, &out))
	f.must(os.WriteFile(f.token, []byte(out.Token), 0o600))
}

func (f *fleet) start(id string, flags ...string) {
	f.t.Helper()
	s := f.nodes[id]
	s.proc = startTestProcess(f.t, s.dir, slices.Concat([]string{"--node-id", id, "--cluster", s.port}, f.flags, flags)...)
}

// stop ends a node in good order.
func (f *fleet) stop(id string) {
	f.t.Helper()
	s := f.nodes[id]
	if err := s.proc.Stop(); err != nil {
		f.t.Errorf("%s: %v", id, err)
	}
	s.proc = nil
}

// kill ends a node as a crash would.
func (f *fleet) kill(id string) {
	f.nodes[id].proc.Kill()
	f.nodes[id].proc = nil
}

// gone waits until the process of a node has ended by itself, and returns what it said.
func (f *fleet) gone(id string) string {
	f.t.Helper()
	s := f.nodes[id]
	select {
	case <-s.proc.Done():
	case <-time.After(20 * time.Second):
		f.t.Fatalf("%s goes on", id)
	}
	said := s.proc.Said()
	s.proc = nil
	return said
}

func (f *fleet) call(id, method, path string, in, out any) error {
	return f.nodes[id].proc.Call(f.t.Context(), method, path, "", in, out)
}

// order has a node operate the cluster.
func (f *fleet) order(at, verb, node string, force bool) error {
	return f.call(at, "POST", "/api/v1/cluster/"+verb, map[string]any{"node": node, "force": force}, nil)
}

func (f *fleet) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// clusterView is the cluster as one node sees it.
type clusterView struct{ api.Cluster }

// voters are those that answer.
func (v clusterView) voters() (ids []string) {
	for _, m := range v.Members {
		if m.Role != "nonvoter" && m.Error == "" {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

func (f *fleet) status(at string) (v clusterView) {
	f.t.Helper()
	f.must(f.call(at, "GET", "/api/v1/cluster", struct{}{}, &v.Cluster))
	return v
}

func (f *fleet) member(at, id string) api.ClusterMember {
	f.t.Helper()
	for _, m := range f.status(at).Members {
		if m.ID == id {
			return m
		}
	}
	return api.ClusterMember{}
}

func (f *fleet) awaitVoters(at string, n int) {
	f.t.Helper()
	f.until(fmt.Sprintf("%d voters", n), 60*time.Second, func() bool { return len(f.status(at).voters()) == n })
}

// leader waits until all running nodes agree on one of them.
func (f *fleet) leader() (id string) {
	f.t.Helper()
	f.until("all agree on a leader", 20*time.Second, func() bool {
		seen := map[string]bool{}
		for _, at := range f.running() {
			id = f.status(at).Leader
			seen[id] = true
		}
		return len(seen) == 1 && f.nodes[id] != nil && f.nodes[id].proc != nil
	})
	return id
}

// running are the nodes with a process, sorted.
func (f *fleet) running() (ids []string) {
	for id, s := range f.nodes {
		if s.proc != nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// other is a running node that is none of those.
func (f *fleet) other(than ...string) string {
	f.t.Helper()
	for _, id := range f.running() {
		if !slices.Contains(than, id) {
			return id
		}
	}
	f.t.Fatalf("no node but %v runs", than)
	return ""
}

func (f *fleet) address(id string) string { return f.nodes[id].proc.Address }

// readyz is what a load balancer is told.
func (f *fleet) readyz(id string) int {
	f.t.Helper()
	_, err := f.nodes[id].proc.API.Do(f.t.Context(), "GET", "/readyz", nil)
	if p, refused := errors.AsType[*api.Problem](err); refused {
		return p.Status
	}
	f.must(err)
	return http.StatusOK
}

func (f *fleet) until(what string, limit time.Duration, ok func() bool) {
	f.t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			f.t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// setUp makes publishers and subscribers, and waits until every node knows them.
func (f *fleet) setUp(at string, publishers, subscribers int) (pubs, subs []load.Key) {
	f.t.Helper()
	pubs, subs, err := load.SetUp(f.t.Context(), f.nodes[at].proc.API, load.Channel, publishers, subscribers)
	f.must(err)
	f.level(at)
	return pubs, subs
}

// level waits until every running node has the changes of one.
func (f *fleet) level(at string) {
	f.t.Helper()
	newest := func(id string) uint64 {
		var status struct{ Index uint64 }
		f.must(f.call(id, "GET", "/api/v1/status", struct{}{}, &status))
		return status.Index
	}
	want := newest(at)
	for _, id := range f.running() {
		f.until(id+" has the newest changes", 20*time.Second, func() bool { return newest(id) >= want })
	}
}

// compare stops everything and compares the logs with what was acknowledged, and with each other.
func (f *fleet) compare(v *voyage) {
	f.t.Helper()
	ids := f.running()
	for _, id := range ids {
		f.stop(id)
	}
	var first map[int]int
	for _, id := range ids {
		found := readRuns(f.t, f.nodes[id].dir)
		for _, leg := range v.legs {
			if int64(found[leg.run]) < leg.acked.Load() {
				f.t.Errorf("%s: run %d: %d messages acknowledged, %d in the log", id, leg.run, leg.acked.Load(), found[leg.run])
			}
			if leg.orderly && int64(found[leg.run]) != leg.sent {
				f.t.Errorf("%s: run %d: %d messages sent before the end of the stream, %d in the log",
					id, leg.run, leg.sent, found[leg.run])
			}
		}
		if first == nil {
			first = found
		}
		for run, n := range found {
			if first[run] != n {
				f.t.Errorf("run %d: %d messages on %s, %d on %s", run, first[run], ids[0], n, id)
			}
		}
	}
	total := 0
	for _, n := range first {
		total += n
	}
	f.t.Logf("%d messages in each log, over %d connections", total, len(v.legs))
}

// voyage is a publisher that connects to another node when its own ends the stream, as clients do, and takes it for
// given that what it has sent before that has arrived.
type voyage struct {
	key     load.Key
	perTick int
	where   func() string // address of the next node; empty: none

	mu    sync.Mutex
	legs  []*leg
	acked atomic.Int64 // of all legs
	gap   atomic.Int64 // longest time between two acknowledgements, ns
	last  atomic.Int64 // when the newest came, unix ns
	done  chan struct{}
}

// leg is one connection of a voyage.
type leg struct {
	run     int
	address string
	sent    int64 // whole writes that did not fail
	acked   atomic.Int64
	orderly bool // the node ended the stream, and no write failed
}

// sail publishes perTick messages each 5 ms until ctx ends; first is the number of its first run.
func sail(ctx context.Context, k load.Key, first, perTick int, where func() string) *voyage {
	v := &voyage{key: k, perTick: perTick, where: where, done: make(chan struct{})}
	v.last.Store(time.Now().UnixNano())
	go func() {
		defer close(v.done)
		for run := first; ctx.Err() == nil; run++ {
			address := where()
			c, err := load.Login(ctx, address, k)
			if err != nil {
				time.Sleep(10 * time.Millisecond)
				continue
			}
			l := &leg{run: run, address: address}
			v.mu.Lock()
			v.legs = append(v.legs, l)
			v.mu.Unlock()
			v.travel(ctx, c, l)
			c.Close()
		}
	}()
	return v
}

// travel publishes on one connection until it ends, or ctx: then until all is acknowledged.
func (v *voyage) travel(ctx context.Context, c net.Conn, l *leg) {
	if _, err := c.Write(wire.AppendSubscribe(nil, v.key.Ident, subscription.Acks)); err != nil {
		return
	}
	ended := make(chan error, 1)
	go func() { ended <- v.readAcks(c, l) }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		var buf []byte
		for i := range v.perTick {
			buf = wire.AppendPublish(buf, v.key.Ident, load.Channel, fmt.Appendf(nil, "%d/%d", l.run, l.sent+int64(i)))
		}
		if _, err := c.Write(buf); err != nil {
			return
		}
		l.sent += int64(v.perTick)
		select {
		case err := <-ended:
			l.orderly = errors.Is(err, io.EOF)
			return
		case <-tick.C:
		case <-ctx.Done():
			for end := time.Now().Add(10 * time.Second); l.acked.Load() < l.sent && time.Now().Before(end); {
				time.Sleep(5 * time.Millisecond)
			}
			return
		}
	}
}

func (v *voyage) readAcks(c net.Conn, l *leg) error {
	for {
		frame, err := readFrame(c)
		if err != nil {
			return err
		}
		if frame[4] != wire.OpPublish {
			return fmt.Errorf("frame %q", frame)
		}
		n, err := strconv.ParseInt(payloadOf(frame), 10, 64)
		if err != nil {
			return err
		}
		v.acked.Add(n - l.acked.Swap(n))
		now := time.Now().UnixNano()
		v.gap.Store(max(v.gap.Load(), now-v.last.Swap(now)))
	}
}

// at is the address of the newest connection.
func (v *voyage) at() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.legs) == 0 {
		return ""
	}
	return v.legs[len(v.legs)-1].address
}

// pause is the longest since the last call.
func (v *voyage) pause() time.Duration { return time.Duration(v.gap.Swap(0)).Round(time.Millisecond) }

// goesOn waits until n more messages are acknowledged.
func (v *voyage) goesOn(f *fleet, n int64) {
	f.t.Helper()
	before := v.acked.Load()
	f.until("publishing goes on", 20*time.Second, func() bool { return v.acked.Load() > before+n })
}
