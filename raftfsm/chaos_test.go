package raftfsm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/raftfsm/retention"
)

// pen is one publishing connection to one run of a node: it writes "0", "1", "2"… under an authkey number of its own.
type pen struct {
	source Source
	sent   int
	done   chan struct{}
}

// author publishes through a node as long as that runs.
type author struct {
	ingest *Ingest
	pens   []*pen
	stop   context.CancelFunc // of the pens
	end    func(drain bool)   // of the ingest
}

// register keeps what every change that was tried came to: by handle, nil for applied.
type register map[string]error

// history is what everybody did, and what they were told.
type history struct {
	pens    []*pen
	authors map[string]*author
	changes register
}

// write starts an author on a running node.
func (h *history) write(c *simNode, pens int) {
	ctx, stop := context.WithCancel(context.Background())
	loops, stopLoops := context.WithCancel(context.Background())
	drain, stopDrain := context.WithCancel(context.Background())
	a := &author{ingest: NewIngest(c.node, nil), stop: stop}
	ran := make(chan struct{})
	go func() { a.ingest.Run(loops, drain); close(ran) }()
	a.end = func(wait bool) {
		stop()
		for _, p := range a.pens {
			<-p.done
		}
		if !wait {
			stopDrain()
		}
		stopLoops()
		<-ran
		stopDrain()
	}
	for range pens {
		p := &pen{source: Source{Authkey: uint64(len(h.pens) + 1), Origin: 1}, done: make(chan struct{})}
		h.pens = append(h.pens, p)
		a.pens = append(a.pens, p)
		go p.run(ctx, c.w, a.ingest)
	}
	h.authors[c.id] = a
}

func (p *pen) run(ctx context.Context, w *simulation, in *Ingest) {
	defer close(p.done)
	for ctx.Err() == nil {
		if in.Publish(ctx, &p.source, "c", frame("k", "c", strconv.Itoa(p.sent)), 1) != nil {
			return
		}
		p.sent++
		time.Sleep(time.Duration(w.float() * float64(40*time.Millisecond)))
	}
}

// change tries a change on a node and notes the outcome.
func (h *history) change(c *simNode, handle string) {
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	_, err := c.node.Change(ctx, graph.Command{By: operator, Op: graph.AddUser{Handle: handle}})
	h.changes[handle] = err
}

// confirmed is how many messages were, of all connections.
func (h *history) confirmed() (n uint64) {
	for _, p := range h.pens {
		n += p.source.Committed()
	}
	return n
}

// calm waits until publishing goes on, ends it, and waits until all nodes have applied everything.
func (h *history) calm(w *simulation) {
	before := h.confirmed()
	w.until("publishing goes on", time.Minute, func() bool { return h.confirmed() > before+100 })
	for _, id := range w.names {
		h.authors[id].end(true)
	}
	for begin := time.Now(); !w.equal(); time.Sleep(10 * time.Millisecond) {
		if time.Since(begin) < time.Minute {
			continue
		}
		for _, c := range w.up() {
			r := c.node.Report()
			w.t.Logf("%s: %+v, raft: %v", c.id, r, c.node.raft.Stats())
		}
		w.t.Fatal("not within a minute: all nodes are equal")
	}
}

// equal reports whether all that run have applied everything. An entry with which a leader begins is none for the
// projections, so raft is asked too.
func (w *simulation) equal() bool {
	applied, leader := map[uint64]bool{}, w.leader()
	for _, c := range w.up() {
		applied[c.log.Applied()] = true
		if leader == nil || c.node.raft.AppliedIndex() != leader.node.raft.LastIndex() {
			return false
		}
	}
	return len(applied) == 1
}

// verdict compares what the nodes hold with what was told to who wrote (C1, C2, C4, C5 of reliability.md; of C6, that
// what was told of a change is true).
func (h *history) verdict(t *testing.T, w *simulation) (faults []string) {
	blame := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	first := w.nodes[w.names[0]]
	for _, id := range w.names[1:] {
		c := w.nodes[id]
		if c.log.Applied() != first.log.Applied() {
			blame("%s has applied %d entries, %s %d", c.id, c.log.Applied(), first.id, first.log.Applied())
			continue
		}
		for i := max(first.log.Floor(), c.log.Floor()); i <= first.log.Applied(); i++ {
			a, errA := first.log.Entry(i)
			b, errB := c.log.Entry(i)
			_, hideA := first.log.Batch(i)
			_, hideB := c.log.Batch(i)
			if errA != nil || errB != nil || a.Term != b.Term || !bytes.Equal(a.Data, b.Data) ||
				errors.Is(hideA, eventlog.ErrNotBatch) != errors.Is(hideB, eventlog.ErrNotBatch) {
				blame("entry %d differs between %s and %s (%v, %v)", i, first.id, c.id, errA, errB)
				break
			}
		}
		if a, b := state(t, first), state(t, c); !bytes.Equal(a, b) {
			blame("the projections of %s and %s differ", first.id, c.id)
		}
	}
	held := messages(t, first.log, first.log.Floor())
	for _, p := range h.pens {
		got := held[p.source.Authkey]
		gone := 0 // below the floor
		if len(got) > 0 && first.log.Floor() > 1 {
			gone, _ = strconv.Atoi(string(payload(got[0])))
		}
		for i, f := range got {
			if want := frame("k", "c", strconv.Itoa(gone+i)); !bytes.Equal(f, want) {
				blame("pen %d: message %d is %q", p.source.Authkey, gone+i, payload(f))
				break
			}
		}
		if len(got) == 0 && first.log.Floor() > 1 {
			continue
		}
		if n := uint64(gone + len(got)); n < p.source.Committed() || n > uint64(p.sent) {
			blame("pen %d: %d sent, %d confirmed, %d in the log", p.source.Authkey, p.sent, p.source.Committed(), n)
		}
	}
	for handle, err := range h.changes {
		_, there := first.node.Graph().UserByHandle(handle)
		if err == nil && !there || errors.Is(err, ErrUnavailable) && there {
			blame("change %s was told to end with %v, and it is %v that it was applied", handle, err, there)
		}
	}
	return faults
}

// payload is that of a PUBLISH frame of ident "k" on channel "c".
func payload(f []byte) []byte { return f[5+2+2:] }

// state is everything that a node derived from its log.
func state(t *testing.T, c *simNode) []byte {
	t.Helper()
	var all bytes.Buffer
	for _, space := range []eventlog.Space{eventlog.SpaceAudit, eventlog.SpaceSessions, eventlog.SpaceStats,
		eventlog.SpaceLogs, eventlog.SpaceRecent, eventlog.SpaceCursors, eventlog.SpaceMeta} {
		err := c.log.Scan(space, nil, nil, func(k, v []byte) error {
			fmt.Fprintf(&all, "%c %q %q\n", space, k, v)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.Bytes()
}

// trouble does one thing to the cluster, and undoes it.
func (h *history) trouble(w *simulation) string {
	pause := func(most time.Duration) { time.Sleep(time.Duration(w.float() * float64(most))) }
	victim := w.nodes[w.names[w.pick(len(w.names))]]
	leader := w.leader()
	if leader != nil && w.float() < 0.5 {
		victim = leader
	}
	switch w.pick(6) {
	case 0:
		w.isolate(victim.id, true)
		pause(6 * time.Second)
		w.isolate(victim.id, false)
		return "isolated " + victim.id
	case 1: // one direction only
		other := w.names[w.pick(len(w.names))]
		w.sever(victim.id, other, true)
		pause(6 * time.Second)
		w.sever(victim.id, other, false)
		return "nothing from " + victim.id + " to " + other
	case 2: // flapping
		for range 8 {
			w.isolate(victim.id, true)
			pause(700 * time.Millisecond)
			w.isolate(victim.id, false)
			pause(700 * time.Millisecond)
		}
		return "flapping " + victim.id
	case 3:
		if leader != nil {
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
			_ = leader.node.Members().TransferLeadership(ctx, "")
			cancel()
		}
		return "leadership handed over"
	case 4: // a restart in good order
		h.authors[victim.id].end(true)
		victim.stop()
		pause(3 * time.Second)
		h.write(w.start(victim.id), 2)
		return "restarted " + victim.id
	}
	a := h.authors[victim.id]
	a.stop()
	victim.crash(func() { a.end(false) })
	pause(4 * time.Second)
	h.write(w.start(victim.id), 2)
	return "crashed " + victim.id
}

// storm runs three nodes with writers through as many troubles, and returns what is wrong in the end.
func storm(t *testing.T, seed uint64, troubles int, keep retention.Policy, tweak func(*Node)) (faults []string) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimulation(t, seed, "n1", "n2", "n3")
		w.lose, w.tweak, w.retention = 0.03, tweak, keep
		w.form()
		h := &history{authors: make(map[string]*author), changes: make(register)}
		for _, id := range w.names {
			h.write(w.nodes[id], 2)
		}
		begin := time.Now()
		for i := range troubles {
			what := h.trouble(w)
			up := w.up()
			h.change(up[w.pick(len(up))], fmt.Sprintf("user%d", i))
			t.Logf("%8v %s", time.Since(begin).Round(time.Millisecond), what)
		}
		h.calm(w)
		faults = h.verdict(t, w)
		log := w.nodes["n1"].log
		t.Logf("seed %d: %d connections, %d messages confirmed, %d entries from #%d on, %v of virtual time", seed,
			len(h.pens), h.confirmed(), log.Applied(), log.Floor(), time.Since(begin))
		if !keep.Unlimited() && log.Floor() == 1 {
			faults = append(faults, "the log was never cut: this tests nothing")
		}
		for _, c := range w.up() {
			c.stop()
		}
		time.Sleep(time.Minute) // raft's goroutines end by their timers, and time stands still when this one has ended
	})
	return faults
}

// Whatever happens to three nodes, their logs are equal, and what was confirmed is there once, in order.
func TestNothingConfirmedIsLostDoubledOrReordered(t *testing.T) {
	seeds, troubles := 2, 12
	if testing.Short() {
		seeds = 1
	}
	if s := os.Getenv("HPFRIENDS_SOAK_SEEDS"); s != "" {
		seeds, _ = strconv.Atoi(s)
		troubles = 60
	}
	base := uint64(time.Now().UnixNano())
	if s := os.Getenv("HPFRIENDS_SEED"); s != "" {
		base, _ = strconv.ParseUint(s, 10, 64)
	}
	for i := range seeds {
		seed := base + uint64(i)
		keep := retention.Policy{}
		if seed%2 == 0 {
			keep.Age = 2 * time.Second // the log is cut all the time: who was away gets a snapshot
		}
		for _, f := range storm(t, seed, troubles, keep, nil) {
			t.Errorf("HPFRIENDS_SEED=%d: %s", seed, f)
		}
	}
}

// The checkers bite: with sessions that take every batch, what is proposed again is doubled, and they must say so.
func TestStormIsFoundOutWithoutSessions(t *testing.T) {
	if len(storm(t, 1, 6, retention.Policy{}, func(n *Node) { n.fsm.TrustSessions() })) == 0 {
		t.Error("batches were taken whatever their number, and nothing was found")
	}
}

// Batches that a follower forwards side by side do not overtake each other at the leader: none is refused by the FSM.
func TestForwardedBatchesStayInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimulation(t, 7, "n1", "n2", "n3")
		w.slow = 20 * time.Millisecond
		w.form()
		h := &history{authors: make(map[string]*author)}
		follower := w.nodes["n2"]
		if follower.node.Leading() {
			follower = w.nodes["n3"]
		}
		h.write(follower, 8)
		time.Sleep(5 * time.Second)
		h.authors[follower.id].end(true)
		hidden, shown := 0, 0
		for i := uint64(1); i <= follower.log.Applied(); i++ {
			e, err := follower.log.Entry(i)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := follower.log.Batch(i); e.Kind == entry.KindBatch && errors.Is(err, eventlog.ErrNotBatch) {
				hidden++
			} else if err == nil {
				shown++
			}
		}
		if hidden > 0 || shown < 100 {
			t.Errorf("%d batches were refused or repeated, %d taken: want none and at least 100", hidden, shown)
		}
		for _, c := range w.up() {
			c.stop()
		}
	})
}
