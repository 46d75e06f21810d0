package raftfsm

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/raftfsm/apply"
	"hpfriends/raftfsm/store"
)

func at(index uint64) eventlog.Position { return eventlog.Position{Index: index} }

// durable is a node with an authkey, and two Cursors, as if they were of two nodes. None of them runs.
type durable struct {
	*running
	*testing.T
	a, b *Cursors
	user graph.UserID
	key  uint64
	free atomic.Uint64 // bytes of its disk
}

// plenty is more than any node needs free.
const plenty = 50 << 30

func newDurable(t *testing.T) *durable {
	t.Helper()
	d := &durable{T: t}
	d.free.Store(plenty)
	r := openWith(t, t.TempDir(), Config{Space: func() (store.Space,
		error) {
		return store.Space{Free: d.free.Load(), Total: plenty}, nil
	}})
	d.running, d.a, d.b = r, NewCursors(r.Node), NewCursors(r.Node)
	d.user = r.addUser(t, "ada", graph.Member)
	d.key = r.addAuthkey(t, d.user, "k")
	for i := range 10 { // so that there are positions
		r.addUser(t, "user"+string(rune('a'+i)), graph.Member)
	}
	return d
}

func (d *durable) claim(c *Cursors) eventlog.Cursor {
	d.Helper()
	got, err := c.Claim(d.Context(), d.key, "n", "c*", at(1))
	if err != nil {
		d.Fatal(err)
	}
	return got
}

func (d *durable) want(acked, safe eventlog.Position, held bool) {
	d.Helper()
	got := stored(d.T, d.log)[apply.CursorKey{Authkey: d.key, Name: "n"}]
	if got.Acked != acked || got.Safe != safe || got.Held != held {
		d.Fatalf("acknowledged up to %s, safe up to %s, held %t; want %s, %s, %t", got.Acked, got.Safe, got.Held, acked, safe,
			held)
	}
}

func isOver(c *Cursors, cursor eventlog.Cursor) bool {
	select {
	case <-c.Ended(cursor.Authkey, cursor.Name, cursor.Epoch):
		return true
	default:
		return false
	}
}

func run(t *testing.T, c *Cursors) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { c.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
}

func TestReconnectingToTheSameNodeGoesOnExactly(t *testing.T) {
	d := newDurable(t)
	first := d.claim(d.a)
	if first.Safe != at(1) || !first.Held || first.Channel != "c*" {
		t.Fatalf("a new cursor is %+v", first)
	}
	d.a.Advance(d.key, "n", first.Epoch, at(5), at(2))
	d.a.Finish(d.key, "n", first.Epoch, at(6), at(6))
	d.want(at(1), at(1), true) // nothing runs that would have proposed it
	if second := d.claim(d.a); second.Safe != at(6) || second.Epoch <= first.Epoch {
		t.Errorf("the next connection begins at %+v, want %s", second, at(6))
	}
	if len(d.a.pending) != 0 {
		t.Errorf("pending is %v", d.a.pending)
	}
}

// A new connection begins at what was certainly read, not at what was acknowledged.
func TestClaimBeginsWhereItIsSafe(t *testing.T) {
	d := newDurable(t)
	first := d.claim(d.a)
	d.a.Finish(d.key, "n", first.Epoch, at(6), at(3))
	d.a.Flush(t.Context())
	d.want(at(6), at(3), false)
	if second := d.claim(d.b); second.Safe != at(3) || second.Acked != at(3) {
		t.Errorf("the next connection begins at %+v, want %s", second, at(3))
	}
}

func TestSupersededConnectionMovesNothing(t *testing.T) {
	d := newDurable(t)
	old := d.claim(d.a)
	d.claim(d.b)
	// Node a has not heard of it yet.
	d.a.Finish(d.key, "n", old.Epoch, at(9), at(9))
	if d.a.Flush(t.Context()); len(d.a.pending) != 0 {
		t.Errorf("pending is %v", d.a.pending)
	}
	d.want(at(1), at(1), true)
}

func TestWhatEndsAnEpoch(t *testing.T) {
	for what, end := range map[string]func(d *durable) error{
		"another node": func(d *durable) error { d.claim(d.b); return nil },
		"this node":    func(d *durable) error { d.claim(d.a); return nil },
		"its reset": func(d *durable) error {
			return d.a.Reset(d.Context(), graph.Actor{User: d.user}, d.key, "n", at(2))
		},
		"its removal": func(d *durable) error { return d.b.Remove(d.Context(), graph.Actor{User: d.user}, d.key, "n") },
		"the authkey's removal": func(d *durable) error {
			d.mustChange(d.T, operator, graph.RemoveAuthkey{Authkey: graph.AuthkeyID(d.key)})
			return nil
		},
		"the user's removal": func(d *durable) error {
			d.mustChange(d.T, operator,
				graph.RemoveUser{User: d.user})
			return nil
		},
	} {
		t.Run(what, func(t *testing.T) {
			d := newDurable(t)
			cursor := d.claim(d.a)
			run(t, d.a)
			if isOver(d.a, cursor) {
				t.Fatal("it is over from the beginning")
			}
			d.a.Advance(d.key, "n", cursor.Epoch, at(3), at(3))
			ended := d.a.Ended(d.key, "n", cursor.Epoch)
			if err := end(d); err != nil {
				t.Fatal(err)
			}
			select {
			case <-ended:
			case <-time.After(5 * time.Second):
				t.Fatal("the connection is not told")
			}
			if !isOver(d.a, cursor) {
				t.Error("asked again, it is not over")
			}
			if len(d.a.pending) != 0 {
				t.Errorf("pending is %v", d.a.pending)
			}
		})
	}
}

// However claims race, one connection is left that may go on, the one that the log says.
func TestOneOfManyClaimsIsLeft(t *testing.T) {
	d := newDurable(t)
	run(t, d.a)
	run(t, d.b)
	type held struct {
		on     *Cursors
		cursor eventlog.Cursor
	}
	const each = 40
	all := make([]held, 0, 4*each)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, c := range []*Cursors{d.a, d.a, d.b, d.b} {
		wg.Go(func() {
			for range each {
				got, err := c.Claim(t.Context(), d.key, "n", "c*", at(1))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				all = append(all, held{c, got})
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	newest := stored(t, d.log)[apply.CursorKey{Authkey: d.key, Name: "n"}].Epoch
	for _, h := range all {
		if h.cursor.Epoch == newest {
			if isOver(h.on, h.cursor) {
				t.Error("the newest claim is over")
			}
			continue
		}
		select {
		case <-h.on.Ended(d.key, "n", h.cursor.Epoch):
		case <-time.After(5 * time.Second):
			t.Fatalf("epoch %d is not over, the newest is %d", h.cursor.Epoch, newest)
		}
	}
}

func TestProgressIsKeptUntilItIsApplied(t *testing.T) {
	d := newDurable(t)
	cursor := d.claim(d.a)
	d.a.Advance(d.key, "n", cursor.Epoch, at(4), at(3))
	d.free.Store(0)
	eventually(t, "the disk is not full", func() bool { return d.Full() != nil })
	d.a.Flush(t.Context())
	d.want(at(1), at(1), true)
	if _, err := d.a.Claim(t.Context(), d.key, "n", "c*", at(1)); !errors.Is(err, ErrUnavailable) ||
		!errors.Is(err, ErrDiskFull) {
		t.Errorf("a claim without room: %v", err)
	}
	d.free.Store(plenty)
	eventually(t, "the disk is still full", func() bool { return d.Full() == nil })
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	d.a.Flush(gone) // the outcome is unknown, most likely
	d.a.Flush(t.Context())
	d.want(at(4), at(3), true)
	if len(d.a.pending) != 0 {
		t.Errorf("pending is %v", d.a.pending)
	}
}

func TestQuietConnectionsProposeNothing(t *testing.T) {
	d := newDurable(t)
	cursor := d.claim(d.a)
	d.a.Advance(d.key, "n", cursor.Epoch, at(4), at(3))
	d.a.Flush(t.Context())
	before := d.log.Applied()
	for range 20 {
		d.a.Advance(d.key, "n", cursor.Epoch, at(4), at(3))
		d.a.Flush(t.Context())
	}
	if got := d.log.Applied(); got != before {
		t.Errorf("%d entries without any progress", got-before)
	}
}

// One entry a second for all connections of the node, and a finish soon.
func TestProgressIsProposedTogether(t *testing.T) {
	d := newDurable(t)
	run(t, d.a)
	names := []string{"a", "b", "c", "d", "e", "f"}
	epochs := make(map[string]uint64)
	for _, n := range names {
		c, err := d.a.Claim(t.Context(), d.key, n, "c", at(1))
		if err != nil {
			t.Fatal(err)
		}
		epochs[n] = c.Epoch
	}
	before := d.log.Applied()
	for i := range uint64(8) {
		for _, n := range names {
			d.a.Advance(d.key, n, epochs[n], at(i+1), at(1))
		}
	}
	begin := time.Now()
	for _, n := range names {
		d.a.Finish(d.key, n, epochs[n], at(9), at(9))
	}
	for stored(t, d.log)[apply.CursorKey{Authkey: d.key, Name: "f"}].Held {
		if time.Since(begin) > 5*time.Second {
			t.Fatal("it is not applied")
		}
		time.Sleep(time.Millisecond)
	}
	// The tick may fall between, and take some of them.
	if entries := d.log.Applied() - before; entries > 2 {
		t.Errorf("%d entries for %d connections", entries, len(names))
	}
	if took := time.Since(begin); took > advanceEvery*3/4 {
		t.Errorf("it took %s", took)
	}
	for _, n := range names {
		if c := stored(t, d.log)[apply.CursorKey{Authkey: d.key, Name: n}]; c.Safe != at(9) || c.Held {
			t.Errorf("%s is %+v", n, c)
		}
	}
}

// The connection that a client left behind on the same node ends late, and takes nothing away from the new one.
func TestLateEndOfAnOldConnectionIsIgnored(t *testing.T) {
	d := newDurable(t)
	old := d.claim(d.a)
	next := d.claim(d.a)
	d.a.Advance(d.key, "n", next.Epoch, at(5), at(5))
	d.a.Finish(d.key, "n", old.Epoch, at(9), at(9))
	d.a.Flush(t.Context())
	d.want(at(5), at(5), true)
	if isOver(d.a, next) || !isOver(d.a, old) {
		t.Error("the wrong connection is over")
	}
}

// An epoch can end before its own claim was answered here, and everybody told meanwhile.
func TestClaimThatWasOvertakenIsOver(t *testing.T) {
	d := newDurable(t)
	since := d.fsm.CursorEndings()
	claim := entry.CursorOp{Verb: entry.ClaimCursor, Authkey: d.key, Name: "n", Start: at(1)}
	_, mine := d.operate(t, time.Now(), claim)
	d.operate(t, time.Now(), claim)
	d.a.told = d.fsm.CursorEndings()
	d.a.register(apply.CursorKey{Authkey: d.key, Name: "n"}, mine[0].Cursor.Epoch, since)
	if !isOver(d.a, mine[0].Cursor) {
		t.Error("a claim that another has overtaken goes on for ever")
	}
}
