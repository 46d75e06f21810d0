package link

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/internal/rafttest"
)

// electorate is three raft nodes on ports over a network in memory, in a synctest bubble. A write to their stable
// stores takes as long as a sync does, heartbeats come late, and each way between two nodes can be cut.
type electorate struct {
	rng   *rand.Rand
	stock bool          // negative control: heartbeats are answered as upstream does
	limit time.Duration // election timeout
	nodes []*elector

	mu     sync.Mutex
	cut    map[[2]string]bool   // from, to
	stored map[[2]uint64]string // by index and term: what any node ever stored there
	won    map[uint64]bool      // terms in which somebody began to lead
	faults []string
}

func (e *electorate) blame(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = append(e.faults, fmt.Sprintf(format, args...))
}

// upTo is a random time; the generator is shared.
func (e *electorate) upTo(most time.Duration) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return time.Duration(e.rng.Int64N(int64(most)))
}

// sever cuts, or joins again, the way from one node to another.
func (e *electorate) sever(from, to *elector, on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cut[[2]string{from.id, to.id}] = on
}

func (e *electorate) isolate(n *elector, on bool) {
	for _, other := range e.nodes {
		e.sever(n, other, on)
		e.sever(other, n, on)
	}
}

// audit notes what is stored. Two different entries of one index and term have two leaders.
func (e *electorate) audit(id string, logs []*raft.Log) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, l := range logs {
		at, what := [2]uint64{l.Index, l.Term}, fmt.Sprintf("%v %s", l.Type, l.Data)
		if before, ok := e.stored[at]; ok && before != what {
			e.faults = append(e.faults, fmt.Sprintf("entry %d of term %d was %.40q and is %.40q on %s", l.Index, l.Term, before,
				what, id))
		}
		e.stored[at] = what
		if l.Type == raft.LogNoop {
			e.won[l.Term] = true
		}
	}
}

// elector is a node, and the transport that its raft uses.
type elector struct {
	*Transport
	e    *electorate
	id   string
	port *Port
	raft *raft.Raft
	fsm  *rafttest.Journal
	log  *auditedLog
}

func (n *elector) SetHeartbeatHandler(f func(raft.RPC)) {
	if n.e.stock {
		n.NetworkTransport.SetHeartbeatHandler(f)
	} else {
		n.Transport.SetHeartbeatHandler(f)
	}
}

func (n *elector) way(to raft.ServerID) error {
	n.e.mu.Lock()
	cut := n.e.cut[[2]string{n.id, string(to)}]
	n.e.mu.Unlock()
	if cut {
		time.Sleep(5 * time.Millisecond)
		return fmt.Errorf("no way from %s to %s", n.id, to)
	}
	return nil
}

// pass is one request: answers take the way back.
func (n *elector) pass(to raft.ServerID, f func() error) error {
	if err := n.way(to); err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	for _, other := range n.e.nodes {
		if other.id == string(to) {
			return other.way(raft.ServerID(n.id))
		}
	}
	return nil
}

func (n *elector) AppendEntries(
	id raft.ServerID, to raft.ServerAddress, a *raft.AppendEntriesRequest, r *raft.AppendEntriesResponse,
) error {
	if a.PrevLogEntry == 0 && len(a.Entries) == 0 { // a heartbeat
		time.Sleep(n.e.upTo(20 * time.Millisecond))
	}
	return n.pass(id, func() error { return n.Transport.AppendEntries(id, to, a, r) })
}

func (n *elector) RequestVote(
	id raft.ServerID, to raft.ServerAddress, a *raft.RequestVoteRequest, r *raft.RequestVoteResponse,
) error {
	return n.pass(id, func() error { return n.Transport.RequestVote(id, to, a, r) })
}

func (n *elector) RequestPreVote(
	id raft.ServerID, to raft.ServerAddress, a *raft.RequestPreVoteRequest, r *raft.RequestPreVoteResponse,
) error {
	return n.pass(id, func() error { return n.Transport.RequestPreVote(id, to, a, r) })
}

func (n *elector) TimeoutNow(
	id raft.ServerID, to raft.ServerAddress, a *raft.TimeoutNowRequest, r *raft.TimeoutNowResponse,
) error {
	return n.pass(id, func() error { return n.Transport.TimeoutNow(id, to, a, r) })
}

// slowTerms is a stable store on which a write takes its time, one after the other, and which blames a term that goes
// back.
type slowTerms struct {
	*raft.InmemStore
	n    *elector
	turn chan struct{} // a lock on which synctest can see one wait
}

func (s *slowTerms) SetUint64(key []byte, val uint64) error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	time.Sleep(s.n.e.upTo(12 * time.Millisecond))
	if old, err := s.GetUint64(key); err == nil && val < old {
		s.n.e.blame("%s: %s goes from %d to %d", s.n.id, key, old, val)
	}
	return s.InmemStore.SetUint64(key, val)
}

// auditedLog is a log store of which the electorate knows, and whose next write takes long, or fails.
type auditedLog struct {
	*raft.InmemStore
	n     *elector
	stall atomic.Int64 // ns
	fails atomic.Bool
}

func (s *auditedLog) StoreLogs(logs []*raft.Log) error {
	time.Sleep(time.Duration(s.stall.Swap(0)))
	if s.fails.Swap(false) {
		return errors.New("no space left")
	}
	s.n.e.audit(s.n.id, logs)
	return s.InmemStore.StoreLogs(logs)
}

func newElectorate(t *testing.T, seed uint64, limit time.Duration, stock bool) *electorate {
	e := &electorate{
		rng: rand.New(rand.NewPCG(seed, 0)), stock: stock, limit: limit,
		cut: map[[2]string]bool{}, stored: map[[2]uint64]string{}, won: map[uint64]bool{},
	}
	var net switchboard
	members := &memberList{addrs: map[string]string{"n1": "n1:1", "n2": "n2:1", "n3": "n3:1"}}
	first := bootstrap(t, clusterA, "n1")
	var conf raft.Configuration
	for _, id := range members.IDs() {
		at, _ := members.Member(id)
		own := first
		if id != "n1" {
			own = member(t, first, id)
		}
		p, err := Open(Config{Identity: own, Listener: net.listen(at), Advertise: at, Members: members, Dial: net.dial})
		if err != nil {
			t.Fatal(err)
		}
		e.nodes = append(e.nodes, &elector{
			Transport: p.Transport(rafttest.Quiet), e: e, id: id, port: p, fsm: &rafttest.Journal{},
		})
		conf.Servers = append(conf.Servers, raft.Server{ID: raft.ServerID(id), Address: raft.ServerAddress(at)})
	}
	for _, n := range e.nodes {
		n.start(t, conf, seed%2 == 0)
	}
	return e
}

// start runs raft; without pre-vote, a node that was cut off comes back with a newer term and ends the leader's.
func (n *elector) start(t *testing.T, conf raft.Configuration, preVote bool) {
	c := raft.DefaultConfig()
	c.LocalID, c.Logger, c.PreVoteDisabled = raft.ServerID(n.id), rafttest.Quiet, !preVote
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = n.e.limit, n.e.limit, n.e.limit
	c.CommitTimeout = 5 * time.Millisecond
	stable := &slowTerms{raft.NewInmemStore(), n, make(chan struct{}, 1)}
	snaps := raft.NewInmemSnapshotStore()
	n.log = &auditedLog{InmemStore: raft.NewInmemStore(), n: n}
	if err := raft.BootstrapCluster(c, n.log, stable, snaps, n, conf); err != nil {
		t.Fatal(err)
	}
	var err error
	if n.raft, err = raft.NewRaft(c, n.fsm, n.log, stable, snaps, n); err != nil {
		t.Fatal(err)
	}
}

func (e *electorate) close() {
	for _, n := range e.nodes {
		n.raft.Shutdown().Error()
		n.port.Close()
	}
	time.Sleep(time.Minute) // raft's goroutines end by their timers, and time stands still when the test has ended
}

func (e *electorate) leader() *elector {
	for _, n := range e.nodes {
		if n.raft.State() == raft.Leader {
			return n
		}
	}
	return nil
}

// propose has every node propose as long as the storm lasts, and returns what ends it and tells what was confirmed.
func (e *electorate) propose() (end func() []string) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	var confirmed []string
	for _, n := range e.nodes {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				case <-time.After(e.upTo(10 * time.Millisecond)):
				}
				if n.raft.State() != raft.Leader {
					continue
				}
				data := fmt.Sprintf("%s-%d", n.id, i)
				if n.raft.Apply([]byte(data), 20*time.Millisecond).Error() == nil {
					mu.Lock()
					confirmed = append(confirmed, data)
					mu.Unlock()
				}
			}
		})
	}
	return func() []string { close(stop); wg.Wait(); return confirmed }
}

// unrest makes one election necessary, or more.
func (e *electorate) unrest() {
	n := e.nodes[e.upTo(time.Duration(len(e.nodes)))]
	if l := e.leader(); l != nil && e.upTo(10) < 8 {
		n = l
	}
	other := e.nodes[e.upTo(time.Duration(len(e.nodes)))]
	switch e.upTo(4) {
	case 0:
		n.raft.LeadershipTransfer()
		time.Sleep(e.upTo(50 * time.Millisecond))
	case 1: // one direction only
		e.sever(n, other, true)
		time.Sleep(e.upTo(200 * time.Millisecond))
		e.sever(n, other, false)
	default:
		e.isolate(n, true)
		time.Sleep(e.upTo(250 * time.Millisecond))
		e.isolate(n, false)
	}
	time.Sleep(e.upTo(100 * time.Millisecond))
}

// settle lets the storm end, and compares what the nodes have applied.
func (e *electorate) settle(confirmed []string) {
	equal := func() bool {
		want := e.nodes[0].fsm.All()
		return slices.Contains(want, "end") && !slices.ContainsFunc(e.nodes,
			func(n *elector) bool { return !slices.Equal(n.fsm.All(), want) })
	}
	for end := time.Now().Add(30 * time.Second); !equal(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			e.blame("30 s after the storm the nodes have not applied the same")
			return
		}
		if l := e.leader(); l != nil && !slices.Contains(l.fsm.All(), "end") {
			l.raft.Apply([]byte("end"), time.Second)
		}
	}
	held := make(map[string]bool)
	for _, data := range e.nodes[0].fsm.All() {
		if held[data] && data != "end" {
			e.blame("applied twice: %s", data)
		}
		held[data] = true
	}
	for _, data := range confirmed {
		if !held[data] {
			e.blame("confirmed and lost: %s", data)
		}
	}
}
