package transport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/internal/rafttest"
)

// tally counts the entries that a member confirms and the requests that bring them, and loses answers.
type tally struct {
	Base

	mu       sync.Mutex
	rng      *rand.Rand
	lose     float64 // share of the answers
	requests int
	largest  int // bytes of entries
}

func (c *tally) AppendEntries(
	id raft.ServerID, at raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse,
) error {
	err := c.Base.AppendEntries(id, at, req, resp)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(req.Entries) > 0 && err == nil && resp.Success {
		c.requests++
		c.largest = max(c.largest, sizeOf(req.Entries))
	}
	if err == nil && c.rng.Float64() < c.lose {
		return errors.New("lost")
	}
	return err
}

// AppendEntriesPipeline is refused, as by the transport of a cluster.
func (c *tally) AppendEntriesPipeline(raft.ServerID, raft.ServerAddress) (raft.AppendPipeline, error) {
	return nil, raft.ErrPipelineReplicationNotSupported
}

// peer is a node of raft.
type peer struct {
	inmem *raft.InmemTransport
	tally *tally
	fsm   *rafttest.Journal
	log   *raft.InmemStore
	raft  *raft.Raft
}

// peers are three nodes that raft runs as it does in a cluster.
func peers(t *testing.T, seed uint64) (all []*peer) {
	t.Helper()
	var conf raft.Configuration
	for i := range 3 {
		addr, inmem := raft.NewInmemTransport(raft.ServerAddress(fmt.Sprintf("n%d", i+1)))
		conf.Servers = append(conf.Servers, raft.Server{ID: raft.ServerID(addr), Address: addr})
		all = append(all, &peer{inmem: inmem, fsm: &rafttest.Journal{}, log: raft.NewInmemStore(),
			tally: &tally{Base: inmem, rng: rand.New(rand.NewPCG(seed, uint64(i)))}})
	}
	for i, p := range all {
		for _, o := range all {
			p.inmem.Connect(o.inmem.LocalAddr(), o.inmem)
		}
		c := raft.DefaultConfig()
		c.LocalID, c.MaxAppendEntries = conf.Servers[i].ID, 8
		c.Logger = rafttest.Quiet
		c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = 2*time.Second, 2*time.Second, 2*time.Second
		c.CommitTimeout = 5 * time.Millisecond
		c.SnapshotThreshold, c.TrailingLogs = 1<<62, 1<<62
		stable, snaps := raft.NewInmemStore(), raft.NewInmemSnapshotStore()
		slow := newThrottle(p.tally, p.log.GetLog)
		slow.bytes = 1 << 30
		if err := raft.BootstrapCluster(c, p.log, stable, snaps, slow, conf); err != nil {
			t.Fatal(err)
		}
		var err error
		if p.raft, err = raft.NewRaft(c, p.fsm, p.log, stable, snaps, slow); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.raft.Shutdown().Error() })
	}
	return all
}

// cut separates a peer from the others, or joins it again.
func cut(all []*peer, one *peer, on bool) {
	for _, o := range all {
		if o == one {
			continue
		}
		if on {
			o.inmem.Disconnect(one.inmem.LocalAddr())
			one.inmem.Disconnect(o.inmem.LocalAddr())
			continue
		}
		o.inmem.Connect(one.inmem.LocalAddr(), one.inmem)
		one.inmem.Connect(o.inmem.LocalAddr(), o.inmem)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

func leading(t *testing.T, all []*peer) (l *peer) {
	t.Helper()
	eventually(t, "a leader", func() bool {
		i := slices.IndexFunc(all, func(p *peer) bool {
			return p.raft.State() == raft.Leader && p.raft.VerifyLeader().Error() == nil
		})
		if i >= 0 {
			l = all[i]
		}
		return i >= 0
	})
	return l
}

// A follower that has missed small and large entries is brought up by raft, with what raft knows of it, in requests of
// a piece each. It had a tail that nobody committed, and answers get lost meanwhile.
func TestRaftBringsUpWithLongerRequests(t *testing.T) {
	const seed, count = 1, 4000
	rng := rand.New(rand.NewPCG(seed, 100))
	all := peers(t, seed)
	behind := leading(t, all)
	cut(all, behind, true)
	var uncommitted []raft.ApplyFuture
	for i := range 100 {
		uncommitted = append(uncommitted, behind.raft.Apply(fmt.Appendf(nil, "never %d", i), 0))
	}
	rest := slices.DeleteFunc(slices.Clone(all), func(p *peer) bool { return p == behind })
	l := leading(t, rest)
	apply := func(n int) {
		t.Helper()
		var last raft.ApplyFuture
		for i := range n {
			size := rng.IntN(1500)
			if i%200 == 0 {
				size = rng.IntN(2 * pieceBytes)
			}
			last = l.raft.Apply(append(fmt.Appendf(nil, "%d ", i), make([]byte, size)...), 0)
		}
		if err := last.Error(); err != nil {
			t.Fatal(err)
		}
	}
	apply(count)
	before := sizeOfAll(l)
	l.tally.mu.Lock()
	l.tally.requests, l.tally.largest, l.tally.lose = 0, 0, .1
	l.tally.mu.Unlock()
	cut(all, behind, false)
	apply(100)
	eventually(t, "it has all", func() bool { return behind.raft.AppliedIndex() == l.raft.AppliedIndex() })
	want := l.fsm.All()
	for _, p := range all {
		eventually(t, "all is applied", func() bool { return len(p.fsm.All()) == len(want) })
		if !slices.Equal(p.fsm.All(), want) {
			t.Fatal("two nodes have applied different entries")
		}
	}
	for _, f := range uncommitted {
		if f.Error() == nil {
			t.Fatal("what nobody had was committed")
		}
	}
	l.tally.mu.Lock()
	defer l.tally.mu.Unlock()
	t.Logf("%d MiB in %d requests, the largest of %d KiB", before>>20, l.tally.requests, l.tally.largest>>10)
	if l.tally.largest > 2*pieceBytes+100 {
		t.Errorf("a request of %d bytes", l.tally.largest)
	}
	if most := before/pieceBytes*3 + 100; l.tally.requests > most {
		t.Errorf("%d requests, want at most %d", l.tally.requests, most)
	}
}

func sizeOfAll(p *peer) (bytes int) {
	for _, d := range p.fsm.All() {
		bytes += len(d)
	}
	return bytes
}

// reader gives entries as the log of a leader has them, up to an index.
func reader(upto uint64, size int) func(uint64, *raft.Log) error {
	return func(index uint64, out *raft.Log) error {
		if index > upto {
			return raft.ErrLogNotFound
		}
		*out = raft.Log{Index: index, Term: 1 + index/10, Data: make([]byte, size)}
		return nil
	}
}

func TestRequestsAreLengthenedToAPiece(t *testing.T) {
	const kib = 1 << 10
	for _, c := range []struct {
		name       string
		size       int // of an entry
		commit, at uint64
		upto       uint64 // can be read
		want       int
		more       bool
	}{
		{"small ones", kib, 5000, 0, 9000, 1024, true},
		{"none that is not committed", kib, 300, 0, 9000, 300, false},
		{"nothing where not all is committed", kib, 40, 0, 9000, 64, false},
		{"nothing behind what is committed", kib, 64, 0, 9000, 64, false},
		{"what can be read", kib, 5000, 0, 99, 99, false},
		{"the last of two pieces", 17 * kib, 5000, 0, 9000, 120, true},
		{"nothing where a piece is full", 256 * kib, 5000, 0, 9000, 64, true},
		{"a bounded number of empty ones", 0, 50000, 0, 90000, 64 + maxLonger, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newThrottle(&shelf{}, reader(c.upto, c.size))
			req := request(c.at, 64, c.size, c.commit)
			if more := p.lengthen(req); len(req.Entries) != c.want || more != c.more {
				t.Errorf("%d entries, more: %t; want %d, %t", len(req.Entries), more, c.want, c.more)
			}
			for i, e := range req.Entries {
				if want := c.at + 1 + uint64(i); e.Index != want || e.Term != 1+want/10 {
					t.Fatalf("entry %d of term %d at the place of %d", e.Index, e.Term, want)
				}
			}
		})
	}
}

// The beginning of the log moves while raft reads: what stands for the entry before it is neither sent nor added.
func TestWhatStandsForAnEntryIsNotSent(t *testing.T) {
	s := &shelf{}
	p := newThrottle(s, func(index uint64, out *raft.Log) error {
		*out = raft.Log{Index: index, Term: 1 + index/10, Type: raft.LogNoop, Extensions: []byte(eventlog.TermOnly)}
		return nil
	})
	req := request(0, 10, 1000, 100)
	if p.lengthen(req); len(req.Entries) != 10 {
		t.Errorf("%d entries, want 10", len(req.Entries))
	}
	_ = p.read(6, req.Entries[5])
	var resp raft.AppendEntriesResponse
	if err := p.AppendEntries("n2", "n2", req, &resp); !errors.Is(err, errCut) || resp.Success || s.last != 0 {
		t.Errorf("%v, the follower has %d", err, s.last)
	}
}
