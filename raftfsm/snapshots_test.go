package raftfsm

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/raftfsm/apply"
	"hpfriends/raftfsm/link"
)

// fill proposes batches of one message each and a change of the graph, at the leader.
func (w *simulation) fill(n int) {
	w.t.Helper()
	c := w.leader()
	w.sessions++
	session := w.sessions
	for i := range n {
		var b entry.Builder
		b.Add("c", uint64(session), 1, time.Now().UnixMilli(), netip.Addr{}, frame("k", "c", fmt.Sprint(i)), 1)
		if _, err := c.node.propose(w.t.Context(), b.Encode([16]byte{session}, uint64(i+1))); err != nil {
			w.t.Fatal(err)
		}
	}
	_, err := c.node.Change(w.t.Context(), graph.Command{By: operator,
		Op: graph.AddUser{Handle: fmt.Sprintf("user-%d", session)}})
	if err != nil {
		w.t.Fatal(err)
	}
}

// trim has the log cut behind a new checkpoint, through a node and on these nodes.
func (w *simulation) trim(c *simNode, on ...*simNode) (floor uint64) {
	w.t.Helper()
	e := entry.Checkpoint{Kept: true, Time: time.Now()}
	r, err := c.node.propose(w.t.Context(), e.Encode())
	if err != nil || r != nil {
		w.t.Fatal(r, err)
	}
	index := c.node.fsm.CheckpointMark().Kept
	for _, o := range on {
		w.until(o.id+" keeps the checkpoint", 10*time.Second, func() bool {
			kept, err := o.log.Checkpoints().Indexes()
			return err == nil && slices.Contains(kept, index)
		})
	}
	f := entry.Floor{Floor: index + 1, Reason: entry.FloorBySize, Time: time.Now()}
	if _, err := c.node.propose(w.t.Context(), f.Encode()); err != nil {
		w.t.Fatal(err)
	}
	w.alike(on...)
	for _, o := range on {
		if err := o.log.Retention().Reclaim(); err != nil {
			w.t.Fatal(err)
		}
	}
	return index + 1
}

// alike waits until nodes have applied the same, and compares all that they hold. Without any: all that run.
func (w *simulation) alike(nodes ...*simNode) {
	w.t.Helper()
	if len(nodes) == 0 {
		nodes = w.up()
	}
	w.until("all nodes have applied the same", time.Minute, func() bool {
		lead := w.leader()
		for _, c := range nodes {
			if lead == nil || c.log.Applied() != lead.log.Applied() || c.log.Applied() != lead.node.raft.CommitIndex() {
				return false
			}
		}
		return true
	})
	first := nodes[0]
	for _, c := range nodes[1:] {
		if a, b := first.log.Floor(), c.log.Floor(); a != b {
			w.t.Errorf("the floor of %s is %d, of %s %d", first.id, a, c.id, b)
		}
		if !bytes.Equal(state(w.t, first), state(w.t, c)) {
			w.t.Errorf("the projections of %s and %s differ", first.id, c.id)
		}
		if a, b := first.node.Graph(), c.node.Graph(); a.Index() != b.Index() || !slices.Equal(handles(a), handles(b)) {
			w.t.Errorf("the graphs of %s and %s differ", first.id, c.id)
		}
		a, b := messages(w.t, first.log, first.log.Floor()), messages(w.t, c.log, c.log.Floor())
		for author, frames := range a {
			if !slices.EqualFunc(frames, b[author], bytes.Equal) {
				w.t.Errorf("%s has %d messages of author %d, %s %d", first.id, len(frames), author, c.id, len(b[author]))
			}
		}
		if _, err := c.log.Verify(w.t.Context(), nil); err != nil {
			w.t.Errorf("%s: %v", c.id, err)
		}
	}
}

func handles(g *graph.Graph) (all []string) {
	for u := range g.Users() {
		all = append(all, u.Handle)
	}
	return all
}

func (w *simulation) join(id string) *simNode {
	w.t.Helper()
	w.names = append(w.names, id)
	w.nodes[id] = w.newNode(id, false)
	c := w.start(id)
	j := link.Joiner{Node: id, Addr: id}
	if err := (admission{w.leader().node.members}).Admit(w.t.Context(), j); err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *simulation) end() {
	for _, c := range w.up() {
		c.stop()
	}
	time.Sleep(time.Minute) // raft's goroutines end by their timers
}

// TestBehindTheFloor cuts the log beyond what a stopped node has, and beyond what a blank node could begin with. Both
// get the state at the floor and the rest as entries, also through a leader that got it so itself, and are equal to the
// others.
func TestBehindTheFloor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimulation(t, 3, "n1", "n2", "n3")
		w.form()
		w.fill(20)
		w.alike()
		w.nodes["n3"].stop()
		w.fill(20)
		w.trim(w.leader(), w.up()...)
		w.fill(20)
		floor := w.trim(w.leader(), w.up()...)
		w.fill(5)

		n3 := w.start("n3")
		w.until("n3 has caught up", time.Minute, func() bool { return n3.log.Applied() >= floor+5 })
		if n3.log.Floor() != floor {
			t.Errorf("the log of n3 begins at %d, want %d", n3.log.Floor(), floor)
		}
		w.alike()

		w.join("n4")
		w.alike()
		for i, id := range []string{"n3", "n4"} { // they restart, lead, and send on what they got
			w.nodes[id].stop()
			w.start(id)
			w.until(id+" votes", time.Minute, func() bool {
				s, ok := w.leader().node.members.dir.server(id)
				return ok && s.Suffrage == 0
			})
			w.until("leadership moves", time.Minute, func() bool {
				_ = w.leader().node.Members().TransferLeadership(t.Context(), id)
				return w.nodes[id].node.Leading()
			})
			w.fill(10)
			w.join(fmt.Sprintf("n%d", 5+i))
			w.alike()
		}
		w.end()
	})
}

// TestSnapshotBringsEachProjection gives a running node a snapshot with something in each projection. A connection
// whose cursor was claimed meanwhile, elsewhere, is told so. Package apply shows that what is in memory is what a start
// reads.
func TestSnapshotBringsEachProjection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimulation(t, 4, "n1", "n2", "n3")
		w.form()
		lead := w.leader()
		away := w.up()[slices.IndexFunc(w.up(), func(c *simNode) bool { return c != lead })]
		r := &running{Node: lead.node, log: lead.log}
		user := r.addUser(t, "ada", graph.Member)
		key := r.addAuthkey(t, user, "k")
		w.alike()
		here, there := NewCursors(away.node), NewCursors(lead.node)
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan struct{})
		go func() { here.Run(ctx); close(ran) }()
		held, err := here.Claim(t.Context(), key, "n", "c", eventlog.Position{Index: 1})
		if err != nil {
			t.Fatal(err)
		}
		w.isolate(away.id, true)
		if _, err := there.Claim(t.Context(), key, "n", "c", eventlog.Position{}); err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		report := entry.Report{Node: lead.id, Time: now, Usage: []entry.Usage{{Authkey: key, Published: 7}},
			Refusals: []entry.Refusal{{Owner: uint64(user), Ident: "k", Message: "no", Count: 1, First: now, Last: now}}}
		token := entry.Token{Step: entry.TokenMade, Hash: [32]byte{1}, Time: now, Expires: now.Add(time.Hour), Uses: 1}
		counted, err := report.Encode()
		if err != nil {
			t.Fatal(err)
		}
		for _, data := range [][]byte{counted, token.Encode()} {
			if _, err := lead.node.propose(t.Context(), data); err != nil {
				t.Fatal(err)
			}
		}
		if err := (admission{lead.node.members}).Admit(t.Context(), link.Joiner{Node: "n9", Addr: "n9"}); err != nil {
			t.Fatal(err)
		}
		if err := lead.node.Members().Remove(t.Context(), "n9", true); err != nil {
			t.Fatal(err)
		}
		g := lead.node.Graph()
		event, errEvent := lead.log.Audit().Event(g.Index())
		graphData, errData := g.MarshalBinary()
		if err := errors.Join(errEvent, errData, lead.log.StoredGraphs().Store(event.AuditMark, graphData,
			eventlog.StoredEvery)); err != nil {
			t.Fatal(err)
		}
		w.fill(5)
		other := w.up()[slices.IndexFunc(w.up(), func(c *simNode) bool { return c != lead && c != away })]
		floor := w.trim(lead, lead, other)
		w.isolate(away.id, false)
		w.until("the snapshot is installed", time.Minute, func() bool { return away.log.Floor() == floor })
		w.alike()
		told := isOver(here, held)
		cancel()
		<-ran
		if err := away.node.Close(); err != nil { // nobody applies any more
			t.Fatal(err)
		}
		if fresh, err := apply.New(away.log, away.node.slog, away.node.fail); err != nil ||
			!fresh.Configuration().Removed("n9") {
			t.Errorf("%v: something was not brought, this tests too little", err)
		}
		for _, space := range []eventlog.Space{
			eventlog.SpaceCursors, eventlog.SpaceStats, eventlog.SpaceLogs, eventlog.SpaceRecent,
		} {
			records := 0
			if err := away.log.Scan(space, nil, nil, func(_, _ []byte) error { records++; return nil }); err != nil ||
				records != 1 {
				t.Errorf("%d records of space %q, %v: something was not brought, this tests too little", records, space, err)
			}
		}
		if graphs, err := away.log.StoredGraphs().List(); err != nil || len(graphs) != 1 {
			t.Errorf("%d stored graphs, %v: a start would replay every change", len(graphs), err)
		}
		if !told {
			t.Error("the cursor was claimed elsewhere, and its connection here does not know")
		}
		away.forget()
		w.end()
	})
}

// TestSnapshotBeatsAnUncommittedTail is hashicorp/raft#697: a leader that was cut off has appended more than the
// others, who have gone on and have cut their log above the place where the two part. It gets the state, and goes on.
func TestSnapshotBeatsAnUncommittedTail(t *testing.T) {
	heal := func(t *testing.T, blind bool) (healed bool) {
		synctest.Test(t, func(t *testing.T) {
			w := newSimulation(t, 5, "n1", "n2", "n3")
			w.form()
			w.fill(5)
			w.alike()
			old := w.leader()
			w.isolate(old.id, true)
			for i := range 60 { // in its own log only
				old.node.raft.Apply((&entry.Checkpoint{Time: time.UnixMilli(int64(i))}).Encode(), time.Second)
			}
			synctest.Wait()
			tail, _ := old.log.Last()
			w.until("the others elect", time.Minute, func() bool { return w.leader() != nil && w.leader() != old })
			lead := w.leader()
			w.fill(10)
			other := w.up()[slices.IndexFunc(w.up(), func(c *simNode) bool { return c != lead && c != old })]
			w.trim(lead, lead, other)
			if floor := lead.log.Floor(); floor >= tail {
				t.Fatalf("the floor %d is not below the tail %d: this tests nothing", floor, tail)
			}
			if blind {
				old.node.members.store.Blind()
			}
			w.isolate(old.id, false)
			limit := time.Now().Add(30 * time.Second)
			for time.Now().Before(limit) && old.log.Applied() < lead.log.Applied() {
				time.Sleep(100 * time.Millisecond)
			}
			if healed = old.log.Applied() >= lead.log.Applied(); healed {
				w.alike()
			}
			w.end()
		})
		return healed
	}
	if !heal(t, false) {
		t.Error("the node with the tail does not get on within 30 s")
	}
	if heal(t, true) {
		t.Error("it gets on without what the store does for it: this test would not notice")
	}
}

// TestReceivedSnapshotIsChecked refuses one that is cut or altered anywhere, and one of the past.
func TestReceivedSnapshotIsChecked(t *testing.T) {
	r := open(t, t.TempDir())
	r.mustChange(t, operator, graph.AddUser{Handle: "ada"})
	index := r.checkpoint(t)
	s, err := newSnapshots(r.log, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	s.started.Store(true)
	list, err := s.List()
	if err != nil || len(list) != 1 || list[0].Index != index {
		t.Fatal(list, err)
	}
	meta, f, err := s.Open(list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	var whole bytes.Buffer
	if n, err := whole.ReadFrom(f); err != nil || n != meta.Size {
		t.Fatalf("%d bytes, want %d: %v", n, meta.Size, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	send := func(b []byte) error {
		sink, err := s.Create(1, index+10, 1, meta.Configuration, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sink.Write(b); err != nil {
			t.Fatal(err)
		}
		return sink.Close()
	}
	for i := range whole.Len() {
		b := bytes.Clone(whole.Bytes())
		b[i] ^= 0x10
		if send(b) == nil {
			t.Fatalf("byte %d of %d is altered and nobody minds", i, len(b))
		}
		if send(whole.Bytes()[:i]) == nil {
			t.Fatalf("%d of %d bytes are taken for all", i, len(b))
		}
	}
	if err := send(whole.Bytes()); err != nil {
		t.Error(err)
	}
	if _, err := s.Create(1, r.log.Applied(), 1, meta.Configuration, 1, nil); err == nil {
		t.Error("a snapshot of what is applied is taken")
	}
}

// spoil flips a bit of the newest batch on the disk (F: with its checksum), says in its mark that it is a repetition,
// or removes its index key: by the letter of the key's span.
func spoil(c *simNode, span eventlog.Space) error {
	at, err := c.log.Next(eventlog.Selector{Exact: []string{"c"}}, 0, 1000)
	if err != nil {
		return err
	}
	index := at[len(at)-1]
	tx := c.log.BeginUpdate()
	if span == 'X' {
		b, err := c.log.Batch(index)
		if err != nil {
			return err
		}
		key := eventlog.AppendChannel(eventlog.IndexKey(b.Runs[0].Origin), "c") // see eventlog/keys.go
		tx.Delete(span, append(key, eventlog.IndexKey(index)...))
		return tx.Commit()
	}
	forged := span == 'F'
	if forged {
		span = 'E'
	}
	value, err := c.log.Get(span, eventlog.IndexKey(index))
	if err != nil {
		return err
	}
	if span == 'E' {
		value[len(value)-3] ^= 4
	} else {
		value[0] ^= 1
	}
	if forged { // its checksum is right: see eventlog/record.go
		castagnoli := crc32.MakeTable(crc32.Castagnoli)
		binary.BigEndian.PutUint32(value, crc32.Update(crc32.Checksum(eventlog.IndexKey(index), castagnoli), castagnoli,
			value[4:]))
	}
	tx.Put(span, eventlog.IndexKey(index), value)
	return tx.Commit()
}

// TestOddNodeStops alters a projection, an index key or an entry of one of three nodes while they run: that node stops
// within a minute and does not start again; the others go on.
func TestOddNodeStops(t *testing.T) {
	for what, alter := range map[string]func(c *simNode) error{
		"a projection": func(c *simNode) error {
			tx := c.log.BeginUpdate()
			tx.Put(eventlog.SpaceStats, eventlog.IndexKey(77), new(entry.Usage).AppendStored(nil))
			return tx.Commit()
		},
		"an index key":               func(c *simNode) error { return spoil(c, 'X') },
		"what hides a batch":         func(c *simNode) error { return spoil(c, 'B') },
		"an entry":                   func(c *simNode) error { return spoil(c, 'E') },
		"another entry in its place": func(c *simNode) error { return spoil(c, 'F') },
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newSimulation(t, 9, "n1", "n2", "n3")
				w.failed = func(string, error) {} // failed tells
				failed := func() (all error) {
					for _, id := range w.names {
						if err := w.nodes[id].why(); err != nil {
							all = errors.Join(all, fmt.Errorf("%s: %w", id, err))
						}
					}
					return all
				}
				w.form()
				w.fill(20)
				w.alike()
				time.Sleep(time.Minute)
				w.fill(20)
				w.alike()
				if err := failed(); err != nil {
					t.Fatalf("before anything was altered: %v", err)
				}
				odd := w.nodes["n2"]
				if err := alter(odd); err != nil {
					t.Fatal(err)
				}
				took := w.until("n2 stops itself", time.Minute, func() bool { return failed() != nil })
				if err := failed(); !errors.Is(err, ErrDiverged) || !strings.HasPrefix(err.Error(), "n2: ") {
					t.Fatalf("it ends with %v", err)
				}
				t.Logf("found after %v", took)
				odd.stop()
				if _, err := w.launch("n2"); !errors.Is(err, ErrDiverged) {
					t.Errorf("it starts again: %v", err)
				}
				w.fill(5)
				w.alike()
				w.end()
			})
		})
	}
}
