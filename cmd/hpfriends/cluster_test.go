package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hpfriends/web"
	"hpfriends/wire"
)

// trio is three server processes that are one cluster.
type trio struct {
	t     *testing.T
	dirs  [3]string
	ports [3]string
	procs [3]*process
}

func nodeID(i int) string { return "n" + strconv.Itoa(i+1) }

func startTrio(t *testing.T) *trio {
	t.Helper()
	if testing.Short() {
		t.Skip("three server processes")
	}
	c := &trio{t: t}
	for i := range c.dirs {
		c.dirs[i] = t.TempDir()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		c.ports[i] = l.Addr().String()
		l.Close()
	}
	c.start(0, "--bootstrap")
	t.Cleanup(func() {
		for _, p := range c.procs {
			if p != nil {
				p.kill()
			}
		}
	})
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(c.token(0)), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < 3; i++ {
		c.start(i, "--join", c.ports[0], "--join-token-file", token)
	}
	c.until("three voters", 30*time.Second, func() bool { return len(c.status(0).voters()) == 3 })
	return c
}

// start starts a node, with flags for the first time.
func (c *trio) start(i int, flags ...string) {
	c.t.Helper()
	c.procs[i] = startTestProcess(c.t, c.dirs[i], append([]string{"--node-id", nodeID(i), "--cluster", c.ports[i]}, flags...)...)
}

// kill ends a node as a crash would.
func (c *trio) kill(i int) {
	c.procs[i].kill()
	c.procs[i] = nil
}

// stop ends a node in good order.
func (c *trio) stop(i int) {
	c.t.Helper()
	if err := c.procs[i].stop(); err != nil {
		c.t.Errorf("%s: %v", nodeID(i), err)
	}
	c.procs[i] = nil
}

func (c *trio) token(i int) string {
	c.t.Helper()
	var out struct{ Token string }
	if err := c.procs[i].call(c.t.Context(), "POST", "/api/v1/cluster/token", "", map[string]any{"seconds": 600}, &out); err != nil {
		c.t.Fatal(err)
	}
	return out.Token
}

type clusterView struct{ web.ClusterStatus }

func (v clusterView) voters() (ids []string) {
	for _, m := range v.Members {
		if m.Role != "nonvoter" && m.Error == "" {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

func (c *trio) status(i int) (v clusterView) {
	c.t.Helper()
	if err := c.procs[i].call(c.t.Context(), "GET", "/api/v1/cluster", "", struct{}{}, &v.ClusterStatus); err != nil {
		c.t.Fatal(err)
	}
	return v
}

// leader waits until all running nodes agree on one of them.
func (c *trio) leader() (at int) {
	c.t.Helper()
	c.until("all agree on a leader", 20*time.Second, func() bool {
		seen := map[string]bool{}
		for i, p := range c.procs {
			if p != nil {
				seen[c.status(i).Leader] = true
			}
		}
		for i, p := range c.procs {
			if p != nil && len(seen) == 1 && seen[nodeID(i)] {
				at = i
				return true
			}
		}
		return false
	})
	return at
}

func (c *trio) until(what string, limit time.Duration, ok func() bool) {
	c.t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// setUp makes publishers and subscribers at one node, and waits until every node knows them.
func (c *trio) setUp(at, publishers, subscribers int) (pubs, subs []benchKey) {
	c.t.Helper()
	pubs, subs, err := (&bench{process: c.procs[at]}).setUp(c.t.Context(), benchChannel, publishers, subscribers)
	if err != nil {
		c.t.Fatal(err)
	}
	newest := func(i int) uint64 {
		var status struct{ Index uint64 }
		if err := c.procs[i].call(c.t.Context(), "GET", "/api/v1/status", "", struct{}{}, &status); err != nil {
			c.t.Fatal(err)
		}
		return status.Index
	}
	want := newest(at)
	for i := range c.procs {
		c.until(nodeID(i)+" knows the authkeys", 10*time.Second, func() bool { return newest(i) >= want })
	}
	return pubs, subs
}

// pacedFeed is a publisher that writes "<run>/0", "<run>/1"… at a steady pace and counts what is acknowledged.
type pacedFeed struct {
	conn        net.Conn
	run         int
	sent, acked atomic.Int64
	gap         atomic.Int64 // longest time between two acknowledgements, ns
	done        chan struct{}
	failed      error // read after done
}

// startFeed publishes perTick messages each 5 ms until ctx ends.
func startFeed(t *testing.T, ctx context.Context, address string, k benchKey, run, perTick int) *pacedFeed {
	t.Helper()
	c, err := login(t.Context(), address, k)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(wire.AppendSubscribe(nil, k.ident, acksChannel)); err != nil {
		t.Fatal(err)
	}
	f := &pacedFeed{conn: c, run: run, done: make(chan struct{})}
	go f.readAcks()
	go f.write(ctx, k.ident, perTick)
	return f
}

func (f *pacedFeed) readAcks() {
	last := time.Now()
	for {
		frame, err := readFrame(f.conn)
		if err != nil {
			return
		}
		if frame[4] != wire.OpPublish {
			return // acked stands still, which the test finds
		}
		n, err := strconv.ParseInt(payloadOf(frame), 10, 64)
		if err != nil {
			return
		}
		f.acked.Store(n)
		now := time.Now()
		f.gap.Store(max(f.gap.Load(), int64(now.Sub(last))))
		last = now
	}
}

func (f *pacedFeed) write(ctx context.Context, ident string, perTick int) {
	defer close(f.done)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		var buf []byte
		for i := range perTick {
			buf = wire.AppendPublish(buf, ident, benchChannel, fmt.Appendf(nil, "%d/%d", f.run, f.sent.Load()+int64(i)))
		}
		if _, f.failed = f.conn.Write(buf); f.failed != nil {
			return
		}
		f.sent.Add(int64(perTick))
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// audience is a subscriber that checks what it gets: each run from some message on, without gap, repeat or change of order.
type audience struct {
	conn net.Conn
	next [1 << 10]atomic.Int64 // by run: the next number; 0: nothing yet
	bad  atomic.Pointer[string]
}

func startAudience(t *testing.T, address string, k benchKey) *audience {
	t.Helper()
	c, err := login(t.Context(), address, k)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(wire.AppendSubscribe(nil, k.ident, benchChannel)); err != nil {
		t.Fatal(err)
	}
	a := &audience{conn: c}
	go func() {
		var received atomic.Int64
		_ = countFrames(c, &received, func(frame []byte) {
			var run, seq int64
			if _, err := fmt.Sscanf(payloadOf(frame), "%d/%d", &run, &seq); err != nil {
				return
			}
			if want := a.next[run].Load(); want != 0 && want != seq {
				text := fmt.Sprintf("run %d: after %d came %d", run, want-1, seq)
				a.bad.CompareAndSwap(nil, &text)
			}
			a.next[run].Store(seq + 1)
		})
	}()
	return a
}

func (a *audience) check(t *testing.T) {
	t.Helper()
	if bad := a.bad.Load(); bad != nil {
		t.Errorf("delivered: %s", *bad)
	}
}

// compare stops everything and reads the three logs.
func (c *trio) compare(acked map[int]int64) {
	c.t.Helper()
	for i, p := range c.procs {
		if p != nil {
			c.stop(i)
		}
	}
	var first map[int]int
	total := 0
	for i, dir := range c.dirs {
		found := readRuns(c.t, dir)
		for run, n := range acked {
			if int64(found[run]) < n {
				c.t.Errorf("%s: run %d: %d messages acknowledged, %d in the log", nodeID(i), run, n, found[run])
			}
		}
		if i == 0 {
			first = found
		}
		for run, n := range found {
			total += n
			if first[run] != n {
				c.t.Errorf("run %d: %d messages on n1, %d on %s", run, first[run], n, nodeID(i))
			}
		}
	}
	c.t.Logf("%d messages in each log", total/3)
}

// The leader is killed under load, again and again. The connections to the other nodes live on, publishing resumes, and
// nothing acknowledged or delivered is lost, doubled or out of order.
func TestClusterOutlivesItsLeader(t *testing.T) {
	kills := 3
	if os.Getenv("HPFRIENDS_SOAK") != "" {
		kills = 30
	}
	c := startTrio(t)
	pubs, subs := c.setUp(0, 1, 1)
	acked := make(map[int]int64)
	var gaps []time.Duration
	for kill := range kills {
		l := c.leader()
		through, reader := (l+1)%3, (l+2)%3
		a := startAudience(t, c.procs[reader].address, subs[0])
		ctx, stop := context.WithCancel(t.Context())
		f := startFeed(t, ctx, c.procs[through].address, pubs[0], kill, 50)
		c.until("messages through a follower are delivered on another", 10*time.Second, func() bool {
			return f.acked.Load() > 5000 && a.next[kill].Load() > 0
		})
		before := f.acked.Load()
		c.kill(l)
		c.until("publishing resumes", 15*time.Second, func() bool { return f.acked.Load() > before+2000 })
		stop()
		<-f.done
		c.until("all that was sent is acknowledged", 10*time.Second, func() bool { return f.acked.Load() == f.sent.Load() })
		c.until("all that was acknowledged is delivered", 10*time.Second, func() bool { return a.next[kill].Load() == f.sent.Load() })
		if f.failed != nil {
			t.Errorf("kill %d: the connection to a follower broke: %v", kill, f.failed)
		}
		acked[kill] = f.acked.Load()
		gaps = append(gaps, time.Duration(f.gap.Load()).Round(time.Millisecond))
		a.check(t)
		f.conn.Close()
		a.conn.Close()
		c.start(l)
	}
	slices.Sort(gaps)
	t.Logf("longest pauses of acknowledgements over %d kills: %v", kills, gaps)
	if p95 := gaps[len(gaps)*95/100]; p95 > 6*time.Second {
		t.Errorf("publishing stood still for %v (p95)", p95)
	}
	c.until("the last one has caught up", 20*time.Second, func() bool {
		for _, m := range c.status(0).Members {
			if m.Error != "" || m.LagEntries > 0 {
				return false
			}
		}
		return true
	})
	c.compare(acked)
}

// All nodes are restarted one after the other while a publisher writes through another node.
func TestRollingRestartLosesNothing(t *testing.T) {
	c := startTrio(t)
	pubs, _ := c.setUp(0, 1, 0)
	acked := make(map[int]int64)
	for i := range 3 {
		ctx, stop := context.WithCancel(t.Context())
		f := startFeed(t, ctx, c.procs[(i+1)%3].address, pubs[0], i, 25)
		c.until("messages are acknowledged", 10*time.Second, func() bool { return f.acked.Load() > 1000 })
		led := c.leader() == i
		c.stop(i)
		c.start(i)
		before := f.acked.Load()
		c.until("publishing goes on", 10*time.Second, func() bool { return f.acked.Load() > before+1000 })
		stop()
		<-f.done
		c.until("all is acknowledged", 10*time.Second, func() bool { return f.acked.Load() == f.sent.Load() })
		if f.failed != nil {
			t.Errorf("restart of %s: the connection to another node broke: %v", nodeID(i), f.failed)
		}
		gap := time.Duration(f.gap.Load())
		t.Logf("restart of %s (leader: %v): acknowledgements paused for %v", nodeID(i), led, gap.Round(time.Millisecond))
		if gap > 2*time.Second {
			t.Errorf("restart of %s: acknowledgements paused for %v", nodeID(i), gap)
		}
		acked[i] = f.acked.Load()
		f.conn.Close()
	}
	c.leader()
	c.compare(acked)
}

// What is revoked on one node ends connections on another within a second, and everything can be asked of any node.
func TestClusterActsAsOne(t *testing.T) {
	c := startTrio(t)
	pubs, _ := c.setUp(1, 1, 0)
	for i, p := range c.procs {
		conn, err := login(t.Context(), p.address, pubs[0])
		if err != nil {
			t.Fatal(err)
		}
		other := c.procs[(i+1)%3]
		if err := other.call(t.Context(), "PATCH", "/api/v1/authkeys/"+pubs[0].ident, "", map[string]any{"enabled": false}, nil); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		_ = conn.SetReadDeadline(begin.Add(5 * time.Second))
		if _, err := io.Copy(io.Discard, conn); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: the connection of a disabled authkey lives: %v", nodeID(i), err)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("%s: revoked after %v", nodeID(i), took)
		}
		conn.Close()
		if err := other.call(t.Context(), "PATCH", "/api/v1/authkeys/"+pubs[0].ident, "", map[string]any{"enabled": true}, nil); err != nil {
			t.Fatal(err)
		}
	}
	l := c.leader()
	c.kill((l + 1) % 3)
	err := c.procs[(l+2)%3].call(t.Context(), "POST", "/api/v1/cluster/remove", "", map[string]any{"node": nodeID((l + 2) % 3)}, nil)
	if err == nil || !strings.Contains(err.Error(), "the cluster would stop") {
		t.Errorf("removing one of two live voters of three: %v", err)
	}
	dead := map[string]any{"node": nodeID((l + 1) % 3)}
	if err := c.procs[(l+2)%3].call(t.Context(), "POST", "/api/v1/cluster/remove", "", dead, nil); err != nil {
		t.Errorf("removing a dead voter: %v", err)
	}
	if got := c.status(l).voters(); len(got) != 2 {
		t.Errorf("after removing the dead one the voters are %v", got)
	}
}
