package raftfsm

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/raftfsm/apply"
	"hpfriends/raftfsm/store"
)

// frame is a PUBLISH frame.
func frame(ident, channel, payload string) []byte {
	f := binary.BigEndian.AppendUint32(nil, uint32(5+1+len(ident)+1+len(channel)+len(payload)))
	f = append(f, 3, byte(len(ident)))
	f = append(f, ident...)
	f = append(f, byte(len(channel)))
	f = append(f, channel...)
	return append(f, payload...)
}

// messages reads the log from an entry on, the first if none is given, and returns the frames of each authkey in order.
func messages(t *testing.T, log *eventlog.Log, from ...uint64) map[uint64][][]byte {
	t.Helper()
	all := make(map[uint64][][]byte)
	for i := max(1, append(from, 0)[0]); i <= log.Applied(); i++ {
		b, err := log.Batch(i)
		if errors.Is(err, eventlog.ErrNotBatch) {
			continue
		}
		if err != nil {
			t.Fatalf("entry %d: %v", i, err)
		}
		for _, run := range b.Runs {
			for f := run.Frames; len(f) > 0; {
				n := binary.BigEndian.Uint32(f)
				all[run.Authkey] = append(all[run.Authkey], f[:n])
				f = f[n:]
			}
		}
	}
	return all
}

// Committed is the number of messages of this connection that are committed and durable.
func (s *Source) Committed() uint64 {
	n, _ := s.Progress()
	return n
}

func runIngest(t *testing.T, in *Ingest) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { in.Run(ctx, t.Context()); close(done) }()
	return func() { cancel(); <-done }
}

func TestPublishedMessagesAreInTheLogOnceInOrder(t *testing.T) {
	r := open(t, t.TempDir())
	in := NewIngest(r.Node, nil)
	stop := runIngest(t, in)
	const sources, each = 8, 500
	var wg sync.WaitGroup
	all := make([]*Source, sources)
	for i := range all {
		all[i] = &Source{Authkey: uint64(i + 1), Origin: 1}
		wg.Go(func() {
			for n := range each {
				f := frame("k", "c", fmt.Sprintf("%d", n))
				if err := in.Publish(t.Context(), all[i], "c", f, 1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	stop()
	got := messages(t, r.log)
	for i, s := range all {
		if s.Committed() != each || s.uncommitted != 0 {
			t.Errorf("source %d: %d committed and %d bytes uncommitted, want %d and 0", i, s.Committed(), s.uncommitted, each)
		}
		if len(got[uint64(i+1)]) != each {
			t.Fatalf("source %d: %d messages in the log, want %d", i, len(got[uint64(i+1)]), each)
		}
		for n, f := range got[uint64(i+1)] {
			if want := frame("k", "c", fmt.Sprintf("%d", n)); !bytes.Equal(f, want) {
				t.Fatalf("source %d: message %d is %q", i, n, f)
			}
		}
	}
	if in.Pending() != 0 {
		t.Errorf("%d bytes pending after all was committed", in.Pending())
	}
}

// A batch whose outcome was unknown is proposed again; one that was applied before must not enter twice, and one that
// overtook a lost one must be refused.
func TestRepeatedAndOvertakingBatchesAreHidden(t *testing.T) {
	r := open(t, t.TempDir())
	propose := func(seq uint64, payload string) apply.BatchResult {
		t.Helper()
		var b entry.Builder
		f := frame("k", "c", payload)
		b.Add("c", 1, 1, time.Now().UnixMilli(), (&Source{}).Remote, f, 1)
		res, err := r.propose(t.Context(), b.Encode([16]byte{1}, seq))
		if err != nil {
			t.Fatal(err)
		}
		return res.(apply.BatchResult)
	}
	for i, c := range []struct {
		seq  uint64
		want apply.BatchResult
	}{
		{1, apply.BatchResult{Applied: true, Next: 2}},
		{1, apply.BatchResult{Repeat: true, Next: 2}},
		{3, apply.BatchResult{Next: 2}},
		{2, apply.BatchResult{Applied: true, Next: 3}},
		{3, apply.BatchResult{Applied: true, Next: 4}},
		{2, apply.BatchResult{Repeat: true, Next: 4}},
	} {
		if got := propose(c.seq, fmt.Sprint(c.seq)); got != c.want {
			t.Errorf("proposal %d, seq %d: %+v, want %+v", i, c.seq, got, c.want)
		}
	}
	var got []string
	for _, f := range messages(t, r.log)[1] {
		got = append(got, string(f[len(f)-1:]))
	}
	if fmt.Sprint(got) != "[1 2 3]" {
		t.Errorf("the log shows %v, want 1 2 3", got)
	}
}

func TestSessionsSurviveRestart(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	var b entry.Builder
	f := frame("k", "c", "x")
	b.Add("c", 1, 1, 1, (&Source{}).Remote, f, 1)
	data := b.Encode([16]byte{7}, 1)
	if _, err := r.propose(t.Context(), data); err != nil {
		t.Fatal(err)
	}
	r.close(t)
	r = open(t, dir)
	res, err := r.propose(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	if got := res.(apply.BatchResult); !got.Repeat {
		t.Errorf("the same batch after a restart: %+v, want a repeat", got)
	}
}

func TestFullWindowHoldsThePublisher(t *testing.T) {
	r := open(t, t.TempDir())
	in := NewIngest(r.Node, nil) // Run is not running: nothing commits
	s := &Source{Authkey: 1, Origin: 1}
	half := frame("k", "c", string(make([]byte, Window/2-64)))
	for range 2 {
		if err := in.Publish(t.Context(), s, "c", half, 1); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := in.Publish(ctx, s, "c", half, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("publishing over the window: %v, want to be held", err)
	}
	other := &Source{Authkey: 2, Origin: 1}
	if err := in.Publish(t.Context(), other, "c", half, 1); err != nil {
		t.Errorf("another connection is held too: %v", err)
	}
	stop := runIngest(t, in)
	defer stop()
	if err := in.Publish(t.Context(), s, "c", half, 1); err != nil {
		t.Errorf("after the window has room again: %v", err)
	}
}

func TestLargeFrameIsABatchOfItsOwn(t *testing.T) {
	r := open(t, t.TempDir())
	in := NewIngest(r.Node, nil)
	s := &Source{Authkey: 1, Origin: 1}
	large := frame("k", "c", string(make([]byte, 3<<20)))
	for _, f := range [][]byte{frame("k", "c", "before"), large, frame("k", "c", "after")} {
		stop := runIngest(t, in)
		if err := in.Publish(t.Context(), s, "c", f, 1); err != nil {
			t.Fatal(err)
		}
		stop()
	}
	got := messages(t, r.log)[1]
	if len(got) != 3 || !bytes.Equal(got[1], large) {
		t.Fatalf("%d messages in the log, want 3 with the large one in the middle", len(got))
	}
}

// refusals are the rows of each owner, as they are stored.
func refusals(t *testing.T, log *eventlog.Log) map[uint64][]entry.Refusal {
	t.Helper()
	all := make(map[uint64][]entry.Refusal)
	err := log.Scan(eventlog.SpaceLogs, nil, nil, func(k, v []byte) error {
		owner := binary.BigEndian.Uint64(k)
		r, err := entry.DecodeRefusal(v)
		all[owner] = append(all[owner], r)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestRefusalsFoldAndAreBounded(t *testing.T) {
	r := open(t, t.TempDir())
	rec := NewRecorder(r.Node)
	for range 1000 {
		rec.Refuse(entry.Refusal{Owner: 5, Authkey: 9, Ident: "k", Message: "m", Addr: "192.0.2.1"})
	}
	for i := range 5000 {
		rec.Refuse(entry.Refusal{Ident: fmt.Sprintf("guess%d", i), Message: "m", Addr: "192.0.2.1"})
	}
	rec.Refuse(entry.Refusal{Owner: 6, Ident: "bad\xff\x1b]0;", Message: "m"})
	r.mustChange(t, operator, graph.AddUser{Handle: "ada"}) // so that raft's own entries lie before
	before := r.log.Applied()
	rec.Flush(t.Context())
	if n := r.log.Applied() - before; n != 1 {
		t.Errorf("a flood of refusals made %d entries, want 1", n)
	}
	counts := make(map[uint64]uint64)
	kept := refusals(t, r.log)
	for owner, rows := range kept {
		for _, row := range rows {
			counts[owner] += row.Count
		}
		if len(rows) > apply.MaxRows {
			t.Errorf("owner %d has %d rows, at most %d", owner, len(rows), apply.MaxRows)
		}
	}
	if len(kept[5]) > 2 || counts[5] != 1000 { // 2 when the test crosses a boundary of foldFor
		t.Errorf("1000 equal refusals became %d rows that count %d", len(kept[5]), counts[5])
	}
	if counts[0]+counts[6] != 5001 {
		t.Errorf("rows count %d refusals, want 5001: none may be dropped silently", counts[0]+counts[6])
	}
}

func TestReportsSurviveRestart(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	rec := NewRecorder(r.Node)
	for range 3 {
		rec.Count(entry.Usage{Authkey: 4, Published: 10, BytesReceived: 100, LastSeen: time.Now(), LastAddr: "192.0.2.9"})
		rec.Refuse(entry.Refusal{Owner: 1, Ident: "k", Message: "m"})
		rec.Flush(t.Context())
	}
	r.close(t)
	r = open(t, dir)
	v, err := r.log.Get(eventlog.SpaceStats, binary.BigEndian.AppendUint64(nil, 4))
	if err != nil {
		t.Fatal(err)
	}
	u, err := entry.DecodeUsage(4, v)
	if err != nil {
		t.Fatal(err)
	}
	if u.Published != 30 || u.BytesReceived != 300 || u.LastAddr != "192.0.2.9" {
		t.Errorf("usage after restart: %+v", u)
	}
	var count uint64
	for _, row := range refusals(t, r.log)[1] {
		count += row.Count
	}
	if count != 3 {
		t.Errorf("%d refusals after restart, want 3", count)
	}
}

var _ raft.BatchingFSM = (*apply.FSM)(nil)

func TestAlmostFullDiskRefusesUntilThereIsRoom(t *testing.T) {
	var free atomic.Uint64
	free.Store(50 << 30)
	r := openWith(t, t.TempDir(), Config{Space: func() (store.Space, error) {
		return store.Space{Free: free.Load(), Total: 100 << 30}, nil
	}})
	in := NewIngest(r.Node, nil)
	defer runIngest(t, in)()
	s := &Source{Authkey: 1, Origin: 1}
	publish := func() error { return in.Publish(t.Context(), s, "c", frame("k", "c", "x"), 1) }
	await := func(what string, ok func() bool) {
		t.Helper()
		for deadline := time.Now().Add(5 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: not after 5 s", what)
			}
		}
	}
	change := func(by graph.Actor, op graph.Op) error {
		_, err := r.Change(t.Context(), graph.Command{By: by, Op: op})
		return err
	}
	key := func(by graph.UserID, ident string) error {
		return change(graph.Actor{User: by}, graph.AddAuthkey{Ident: ident, Secret: []byte("x")})
	}
	logOf := func(kind entry.Kind) []*raft.Log {
		return []*raft.Log{{Type: raft.LogCommand, Data: []byte{byte(kind)}}}
	}
	err := errors.Join(publish(), change(operator, graph.AddUser{Handle: "ada"}),
		change(operator, graph.AddUser{Handle: "root", Role: graph.Admin}))
	if err != nil {
		t.Fatal(err)
	}
	one, _ := r.Graph().UserByHandle("ada")
	admin, _ := r.Graph().UserByHandle("root")
	ada, root := one.ID, admin.ID
	free.Store(1 << 30)
	await("refusing", func() bool { return errors.Is(publish(), ErrDiskFull) })
	refused := r.Refused()
	if err := key(ada, "two"); !errors.Is(err, ErrUnavailable) || !errors.Is(err, ErrDiskFull) || r.Refused() == refused {
		t.Errorf("a member's change on an almost full disk: %v", err)
	}
	free.Store(100 << 20)
	await("storing nothing", func() bool { return r.disk.Room(logOf(entry.KindBatch)) != nil })
	if err := errors.Join(key(root, "root's"), change(graph.Actor{User: root}, graph.EditUser{User: ada,
		Enabled: new(bool)})); err != nil {
		t.Errorf("an admin's changes on a full disk: %v", err)
	}
	await("storing nothing", func() bool { return errors.Is(r.disk.Reserve(logOf(entry.KindBatch)), ErrDiskFull) })
	if err := errors.Join(r.disk.Reserve(logOf(entry.KindFloor)),
		r.disk.Reserve([]*raft.Log{{Type: raft.LogNoop}})); err != nil {
		t.Errorf("what frees space, or is raft's own, is refused: %v", err)
	}
	free.Store(50 << 30)
	await("taking again", func() bool { return publish() == nil })
}
