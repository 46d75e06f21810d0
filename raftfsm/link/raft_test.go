package link

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/internal/rafttest"
)

// moody is a log store that can be stuck, or fail.
type moody struct {
	*raft.InmemStore
	mu    sync.Mutex
	stuck chan struct{} // StoreLogs waits while it is not closed; nil: it does not wait
	fails int
	begun chan struct{} // told when StoreLogs waits
}

func (m *moody) StoreLogs(logs []*raft.Log) error {
	m.mu.Lock()
	stuck, fail := m.stuck, m.fails > 0
	if fail {
		m.fails--
	}
	m.mu.Unlock()
	if stuck != nil {
		select {
		case m.begun <- struct{}{}:
		default:
		}
		<-stuck
	}
	if fail {
		return errors.New("no space left")
	}
	return m.InmemStore.StoreLogs(logs)
}

// terms is a stable store that sees to it that the term never goes back.
type terms struct {
	*raft.InmemStore
	t testing.TB
}

func (s terms) SetUint64(key []byte, val uint64) error {
	if old, err := s.GetUint64(key); err == nil && val < old {
		s.t.Errorf("%s goes from %d to %d", key, old, val)
	}
	return s.InmemStore.SetUint64(key, val)
}

// replica is a raft node on a port.
type replica struct {
	id        *Identity
	port      *Port
	transport *Transport
	raft      *raft.Raft
	fsm       *rafttest.Journal
	log       *moody
}

func (n *replica) close() {
	n.raft.Shutdown().Error()
	n.port.Close()
}

// group starts three nodes; inFlight is raft's MaxRPCsInFlight.
func group(t testing.TB, inFlight int) []*replica {
	t.Helper()
	r := &memberList{addrs: map[string]string{}}
	first := bootstrap(t, clusterA, "n1")
	ids := []*Identity{first, member(t, first, "n2"), member(t, first, "n3")}
	var nodes []*replica
	var conf raft.Configuration
	for _, id := range ids {
		n := &replica{
			id: id, fsm: &rafttest.Journal{}, log: &moody{InmemStore: raft.NewInmemStore(), begun: make(chan struct{}, 1)},
		}
		n.port = openUnowned(t, id, r, nil)
		conf.Servers = append(conf.Servers, raft.Server{ID: raft.ServerID(id.Node),
			Address: raft.ServerAddress(n.port.config.Advertise)})
		nodes = append(nodes, n)
	}
	for _, n := range nodes {
		n.start(t, conf, inFlight)
	}
	return nodes
}

func (n *replica) start(t testing.TB, boot raft.Configuration, inFlight int) {
	t.Helper()
	n.transport = n.port.transport(rafttest.Quiet, inFlight)
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(n.id.Node)
	c.Logger = rafttest.Quiet
	c.HeartbeatTimeout, c.ElectionTimeout = 250*time.Millisecond, 250*time.Millisecond
	c.LeaderLeaseTimeout, c.CommitTimeout = 125*time.Millisecond, 5*time.Millisecond
	snaps, stable := raft.NewInmemSnapshotStore(), terms{raft.NewInmemStore(), t}
	if err := raft.BootstrapCluster(c, n.log, stable, snaps, n.transport, boot); err != nil {
		t.Fatal(err)
	}
	var err error
	if n.raft, err = raft.NewRaft(c, n.fsm, n.log, stable, snaps, n.transport); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		closed := make(chan struct{})
		go func() { n.close(); close(closed) }()
		select {
		case <-closed:
		case <-time.After(3 * time.Second):
			if inFlight == 1 { // a wedged pipeline never ends
				t.Error("Close hangs")
			}
		}
	})
}

// leader waits for one among nodes that the others follow.
func leader(t testing.TB, nodes []*replica) (l *replica) {
	t.Helper()
	soon(t, "a leader", func() bool {
		l = leading(nodes)
		return l != nil
	})
	return l
}

func leading(nodes []*replica) *replica {
	for _, n := range nodes {
		if n.raft.State() == raft.Leader && n.raft.VerifyLeader().Error() == nil {
			return n
		}
	}
	return nil
}

func others(nodes []*replica, not *replica) []*replica {
	return slices.DeleteFunc(slices.Clone(nodes), func(n *replica) bool { return n == not })
}

func TestThreeNodesReplicateAndOutliveTheirLeader(t *testing.T) {
	nodes := group(t, 1)
	var want []string
	apply := func(l *replica, n int) {
		t.Helper()
		for range n {
			data := fmt.Sprintf("%s-%d-%s", l.id.Node, len(want), bytes.Repeat([]byte("x"), 3000))
			if err := l.raft.Apply([]byte(data), time.Second).Error(); err != nil {
				t.Fatal(err)
			}
			want = append(want, data)
		}
	}
	l := leader(t, nodes)
	apply(l, 100)
	for _, n := range others(nodes, l) { // addresses in messages are addresses, not what the transport dials by
		soon(t, "followers know the leader", func() bool {
			addr, id := n.raft.LeaderWithID()
			return string(id) == l.id.Node && string(addr) == l.port.config.Advertise
		})
	}
	l.port.Close() // as a killed process: without a word to raft
	rest := others(nodes, l)
	start := time.Now()
	next := leader(t, rest)
	t.Logf("new leader after %v", time.Since(start))
	apply(next, 100)
	for _, n := range rest {
		soon(t, "all is applied", func() bool { return slices.Equal(n.fsm.All(), want) })
	}
	for _, n := range nodes {
		n.close()
	}
	noGoroutinesLeft(t)
}

// hashicorp/raft#695: heartbeats must not be handled on the connection's goroutine. The negative control is the same
// transport with upstream's method.
func TestHeartbeatsGoThroughRaftsMainGoroutine(t *testing.T) {
	for _, upstream := range []bool{false, true} {
		n1, n2, _ := pair(t, nil)
		sender, receiver := n1.Transport(rafttest.Quiet), n2.Transport(rafttest.Quiet)
		fast := make(chan raft.RPC, 1)
		answer := func(rpc raft.RPC) { fast <- rpc; rpc.Respond(&raft.AppendEntriesResponse{Success: true}, nil) }
		if upstream {
			receiver.NetworkTransport.SetHeartbeatHandler(answer)
		} else {
			raft.Transport(receiver).SetHeartbeatHandler(answer)
		}
		errs := make(chan error, 1)
		go func() {
			req := raft.AppendEntriesRequest{RPCHeader: raft.RPCHeader{Addr: []byte("a")}, Term: 3}
			errs <- sender.AppendEntries("n2", "", &req, &raft.AppendEntriesResponse{})
		}()
		select {
		case <-fast:
			if !upstream {
				t.Error("a heartbeat was answered beside raft's main goroutine")
			}
		case rpc := <-receiver.Consumer():
			if upstream {
				t.Error("the control shows nothing: upstream has changed")
			}
			rpc.Respond(&raft.AppendEntriesResponse{Success: true}, nil)
		}
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// hashicorp/raft#503: a leader whose disk is stuck keeps sending heartbeats from other goroutines.
func TestStuckLeaderIsReplacedWhenItWithholds(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for an election that must not come")
	}
	nodes := group(t, 1)
	l := leader(t, nodes)
	rest := others(nodes, l)
	release := make(chan struct{})
	l.log.mu.Lock()
	l.log.stuck = release
	l.log.mu.Unlock()
	defer close(release)
	l.raft.Apply([]byte("never"), time.Second)
	<-l.log.begun
	// For 3 to 6 election timeouts.
	for end := time.Now().Add(1500 * time.Millisecond); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if leading(rest) != nil {
			t.Fatal("the control shows nothing: a stuck leader lost its followers by itself")
		}
	}
	l.transport.Withhold(true)
	start := time.Now()
	next := leader(t, rest)
	t.Logf("new leader after %v", time.Since(start))
	if err := next.raft.Apply([]byte("goes on"), time.Second).Error(); err != nil {
		t.Error(err)
	}
	for _, err := range []error{
		l.transport.RequestVote("n2", "", &raft.RequestVoteRequest{}, &raft.RequestVoteResponse{}),
		l.transport.RequestPreVote("n2", "", &raft.RequestPreVoteRequest{}, &raft.RequestPreVoteResponse{}),
		l.transport.InstallSnapshot("n2", "", &raft.InstallSnapshotRequest{}, &raft.InstallSnapshotResponse{}, nil),
		l.transport.AppendEntries("n2", "", &raft.AppendEntriesRequest{Entries: []*raft.Log{{}}},
			&raft.AppendEntriesResponse{}),
	} {
		if !errors.Is(err, ErrWithheld) {
			t.Errorf("%v", err)
		}
	}
}

func TestWithheldNodeComesBack(t *testing.T) {
	nodes := group(t, 1)
	l := leader(t, nodes)
	l.transport.Withhold(true)
	next := leader(t, others(nodes, l))
	l.transport.Withhold(false)
	if err := next.raft.Apply([]byte("x"), time.Second).Error(); err != nil {
		t.Fatal(err)
	}
	soon(t, "it follows", func() bool {
		return l.raft.State() == raft.Follower &&
			slices.Equal(l.fsm.All(), []string{"x"})
	})
}

// Leaders come and go while entries are proposed everywhere: terms never go back, and all nodes apply the same.
func TestElectionStormLeavesOneHistory(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes 3 s")
	}
	nodes := group(t, 1)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var confirmed sync.Map
	for _, n := range nodes {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				data := fmt.Sprintf("%s-%d", n.id.Node, i)
				if n.raft.Apply([]byte(data), 50*time.Millisecond).Error() == nil {
					confirmed.Store(data, true)
				} else {
					time.Sleep(2 * time.Millisecond)
				}
			}
		})
	}
	for i := range 12 {
		n := nodes[rand.IntN(len(nodes))]
		if l := leading(nodes); l != nil {
			n = l
		}
		if i%3 == 2 {
			n.raft.LeadershipTransfer()
		} else {
			n.transport.Withhold(true)
		}
		time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
		n.transport.Withhold(false)
	}
	close(stop)
	wg.Wait()
	l := leader(t, nodes)
	soon(t, "a leader takes entries", func() bool { // the last transfer may still be under way
		if now := leading(nodes); now != nil {
			l = now
		}
		return l.raft.Apply([]byte("end"), time.Second).Error() == nil
	})
	want := l.fsm.All()
	for _, n := range nodes {
		soon(t, "all histories are equal", func() bool { return slices.Equal(n.fsm.All(), want) })
	}
	count := 0
	confirmed.Range(func(data, _ any) bool {
		if count++; !slices.Contains(want, data.(string)) {
			t.Errorf("confirmed and lost: %s", data)
		}
		return true
	})
	if count == 0 {
		t.Error("nothing was confirmed: this test looks at too little")
	}
	t.Logf("%d confirmed, term %s", count, l.raft.Stats()["term"])
}

// hashicorp/raft#612: one failed append at a follower, and with upstream's default of two requests in flight the
// pipeline to it can wedge for ever.
func TestFollowerCatchesUpAfterAFailedAppend(t *testing.T) {
	t.Parallel()
	if !caughtUpAfterFailures(t, 1, 10) {
		t.Error("a follower was left behind")
	}
	if testing.Short() {
		t.Skip("the control waits for what must not come")
	}
	if caughtUpAfterFailures(t, 2, 60) {
		t.Error("the control shows nothing: upstream's pipeline does not wedge any more")
	}
}

func caughtUpAfterFailures(t *testing.T, inFlight, rounds int) bool {
	nodes := group(t, inFlight)
	l := leader(t, nodes)
	follower := others(nodes, l)[0]
	for range rounds {
		follower.log.mu.Lock()
		follower.log.fails = 1
		follower.log.mu.Unlock()
		var last raft.ApplyFuture
		for range 50 {
			last = l.raft.Apply([]byte("x"), time.Second)
		}
		if err := last.Error(); err != nil {
			t.Fatal(err)
		}
		end := time.Now().Add(2 * time.Second)
		for follower.raft.AppliedIndex() < last.Index() {
			if time.Now().After(end) {
				return false
			}
			time.Sleep(2 * time.Millisecond)
		}
	}
	return true
}

// pipes is two members with transports on a network in memory.
func pipes(t *testing.T) (n1, n2 *Port) {
	t.Helper()
	var net switchboard
	r := &memberList{addrs: map[string]string{"n1": "n1:1", "n2": "n2:1"}}
	id := bootstrap(t, clusterA, "n1")
	port := func(id *Identity) *Port {
		at, _ := r.Member(id.Node)
		p, err := Open(Config{Identity: id, Listener: net.listen(at), Advertise: at, Members: r, Dial: net.dial})
		if err != nil {
			t.Fatal(err)
		}
		p.Transport(rafttest.Quiet)
		return p
	}
	return port(id), port(member(t, id, "n2"))
}

// Over a slow link a large request is still on its way when it was written; a small one is not.
func TestAnswerToALargeRequestMayTakeLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n1, n2 := pipes(t)
		defer n1.Close()
		defer n2.Close()
		for _, c := range []struct {
			size  int
			after time.Duration
			ok    bool
		}{{100, RaftTimeout - time.Second, true}, {100, RaftTimeout + time.Second, false},
			{8 << 20, 30 * time.Second, true}, {8 << 20, 40 * time.Second, false}, {100, RaftTimeout + time.Second, false}} {
			answered := make(chan struct{})
			go func() {
				defer close(answered)
				rpc := <-n2.Transport(rafttest.Quiet).Consumer()
				time.Sleep(c.after)
				rpc.Respond(&raft.AppendEntriesResponse{Success: true}, nil)
			}()
			req := &raft.AppendEntriesRequest{Term: 1, Entries: []*raft.Log{{Index: 1, Data: make([]byte, c.size)}}}
			err := n1.Transport(rafttest.Quiet).AppendEntries("n2", "", req, &raft.AppendEntriesResponse{})
			if (err == nil) != c.ok {
				t.Errorf("%d bytes, answered after %v: %v", c.size, c.after, err)
			}
			<-answered
		}
	})
}

// A request in the middle of which the sender stops does not hold raft's main goroutine for ever. A connection without
// a request stays.
func TestSenderThatStopsMidwayIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n1, n2 := pipes(t)
		defer n1.Close()
		defer n2.Close()
		conn, err1 := n1.dial(t.Context(), "n2", protoRaft, false)
		idle, err2 := n1.dial(t.Context(), "n2", protoRaft, false)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		defer idle.Close()
		if _, err := conn.Write([]byte{0, 0x89}); err != nil { // AppendEntries, a map of 9 fields
			t.Fatal(err)
		}
		start := time.Now()
		_, err := conn.Read(make([]byte, 1))
		if took := time.Since(start); err == nil || took < RaftTimeout || took > RaftTimeout+time.Second {
			t.Errorf("after %v: %v", took, err)
		}
		idle.SetReadDeadline(time.Now().Add(time.Hour))
		if _, err := idle.Read(make([]byte, 1)); !isTimeout(err) {
			t.Errorf("the idle connection ended: %v", err)
		}
	})
}

func TestPreVoteStaysOnAndPipeliningOff(t *testing.T) {
	n1, n2, _ := pair(t, nil)
	var sender raft.Transport = n1.Transport(rafttest.Quiet)
	receiver := n2.Transport(rafttest.Quiet)
	go func() {
		rpc := <-receiver.Consumer()
		req, ok := rpc.Command.(*raft.RequestPreVoteRequest)
		rpc.Respond(&raft.RequestPreVoteResponse{Granted: ok && req.Term == 9}, nil)
	}()
	var resp raft.RequestPreVoteResponse
	if err := sender.(raft.WithPreVote).RequestPreVote("n2", "", &raft.RequestPreVoteRequest{Term: 9},
		&resp); err != nil || !resp.Granted {
		t.Errorf("%+v, %v", resp, err)
	}
	if _, err := sender.AppendEntriesPipeline("n2", ""); err != raft.ErrPipelineReplicationNotSupported {
		t.Errorf("pipeline: %v", err)
	}
}
