package eventlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"hpfriends/eventlog/entry"
	"hpfriends/eventlog/layout"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func TestReadersStopAtApplied(t *testing.T) {
	l := openLog(t, vfs.NewMem())
	storeLogs(t, l, command(1, 1, batchOf(1, noon, 10, "a")), command(2, 1, batchOf(2, noon, 10, "a", "b")))
	if _, err := l.Entry(1); !errors.Is(err, ErrNotFound) {
		t.Fatalf("entry 1 before it is applied: %v, want ErrNotFound", err)
	}
	if _, err := l.Batch(2); !errors.Is(err, ErrNotFound) {
		t.Fatalf("batch 2 before it is applied: %v, want ErrNotFound", err)
	}
	apply(t, l, 1)
	if got, _ := l.Next(Selector{Prefixes: []string{""}}, 0, 10); !slices.Equal(got, []uint64{1}) {
		t.Fatalf("visible %v, want [1]", got)
	}
	e, err := l.Entry(1)
	if err != nil || e.Kind != entry.KindBatch || e.Term != 1 || !e.Appended.Equal(time.Unix(1700000000, 1)) {
		t.Fatalf("entry 1: %+v, %v", e, err)
	}
	if _, err := l.Batch(2); !errors.Is(err, ErrNotFound) {
		t.Fatalf("batch 2: %v, want ErrNotFound", err)
	}
}

func TestHiddenBatchIsNotShown(t *testing.T) {
	l := openLog(t, vfs.NewMem())
	storeLogs(t, l, command(1, 1, batchOf(3, noon, 10, "a")), command(2, 1, batchOf(4, noon, 10, "a")),
		command(3, 1, []byte{byte(entry.KindChange), 1}), &raft.Log{Index: 4, Term: 1, Type: raft.LogNoop})
	apply(t, l, 4) // seq 4 is hidden by the test FSM
	for index, want := range map[uint64]error{1: nil, 2: ErrNotBatch, 3: ErrNotBatch, 4: ErrNotBatch} {
		if _, err := l.Batch(index); !errors.Is(err, want) {
			t.Errorf("batch %d: %v, want %v", index, err, want)
		}
	}
	if got, _ := l.Next(Selector{Prefixes: []string{""}}, 1, 10); !slices.Equal(got, []uint64{1}) {
		t.Fatalf("visible %v, want [1]", got)
	}
	if e, _ := l.Entry(4); e.Kind != 0 {
		t.Fatalf("a no-op has kind %d", e.Kind)
	}
	if s := verify(t, l); s.Batches != 1 || s.Hidden != 1 {
		t.Fatalf("summary %+v", s)
	}
}

func TestTimeIndexDoesNotFallWithTheClock(t *testing.T) {
	fs := vfs.NewMem()
	l := openLog(t, fs)
	// Seconds after noon of the entries 1, 2, ...: the clock is set back twice. Entry 4 is no batch, entry 6 is hidden.
	at := []int{0, 10, 20, -1, 5, 100, 15, 30, 30}
	for i, s := range at {
		index := uint64(i + 1)
		data := batchOf(index%4, noon.Add(time.Duration(s)*time.Second), 1, "a")
		switch index {
		case 4:
			data = []byte{byte(entry.KindReport)}
		case 6:
			data = batchOf(4, noon.Add(time.Duration(s)*time.Second), 1, "a")
		}
		storeLogs(t, l, command(index, 1, data))
		apply(t, l, index)
		if index == 5 {
			l = reopenLog(t, l, fs) // the newest time is known again after a restart
		}
	}
	for s, want := range map[int]uint64{-99: 1, 0: 1, 1: 2, 10: 2, 11: 3, 20: 3, 21: 8, 30: 8, 31: 10, 500: 10} {
		got, err := l.IndexAt(noon.Add(time.Duration(s) * time.Second))
		if err != nil || got != want {
			t.Errorf("first at or after %d s: %d (%v), want %d", s, got, err, want)
		}
	}
	verify(t, l)
}

func TestWait(t *testing.T) {
	l := openLog(t, vfs.NewMem())
	storeLogs(t, l, command(1, 1, batchOf(1, noon, 1, "a")))
	var woken sync.WaitGroup
	for range 100 {
		woken.Go(func() {
			if got, err := l.Wait(t.Context(), 0); got != 1 || err != nil {
				t.Errorf("wait: %d, %v", got, err)
			}
		})
	}
	apply(t, l, 1)
	woken.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Wait(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Fatalf("wait with a cancelled context: %v", err)
	}
	woken.Go(func() {
		if _, err := l.Wait(t.Context(), 1); !errors.Is(err, ErrClosed) {
			t.Errorf("wait over a close: %v", err)
		}
	})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	woken.Wait()
	if _, err := l.Entry(1); !errors.Is(err, ErrClosed) {
		t.Fatalf("read after close: %v", err)
	}
	if err := l.Close(); !errors.Is(err, ErrClosed) {
		t.Fatalf("second close: %v", err)
	}
}

func TestCommitRefusesWhatDoesNotFollow(t *testing.T) {
	l := openLog(t, vfs.NewMem())
	storeLogs(t, l, command(1, 1, batchOf(1, noon, 1, "a")), command(2, 1, batchOf(2, noon, 1, "a")))
	apply(t, l, 1)
	h, err := entry.DecodeHeader(batchOf(1, noon, 1, "a"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]func(tx *Tx) uint64{
		"again":              func(*Tx) uint64 { return 1 },
		"beyond the log":     func(*Tx) uint64 { return 3 },
		"indexes an old one": func(tx *Tx) uint64 { tx.IndexBatch(1, h); return 2 },
		"indexes a later":    func(tx *Tx) uint64 { tx.IndexBatch(3, h); return 2 },
		"floor above itself": func(tx *Tx) uint64 { tx.RaiseFloor(4); return 2 },
	} {
		tx := l.Begin()
		tx.Put(SpaceMeta, []byte("x"), []byte("y"))
		if err := tx.Commit(c(tx)); err == nil {
			t.Errorf("%s: committed", name)
		}
	}
	if _, err := l.Get(SpaceMeta, []byte("x")); !errors.Is(err, ErrNotFound) {
		t.Fatalf("a refused Tx wrote something: %v", err)
	}
	if l.Applied() != 1 {
		t.Fatalf("applied %d", l.Applied())
	}
	verify(t, l)
}

func TestInstalledSnapshotReplacesLogAndProjections(t *testing.T) {
	for _, longer := range []bool{false, true} { // the log reaches beyond the snapshot (hashicorp/raft#697)
		t.Run(fmt.Sprintf("longer=%t", longer), func(t *testing.T) {
			fs := vfs.NewMem()
			l := openLog(t, fs)
			snapshot := uint64(100)
			if longer {
				snapshot = 8
			}
			for i := uint64(1); i <= 10; i++ {
				storeLogs(t, l, command(i, 1, batchOf(1, noon, 1, "old")))
			}
			apply(t, l, 5)
			tx := l.Begin()
			tx.Install(2, noon.UnixMilli(), nil)
			tx.Put(SpaceMeta, chainKey, []byte("new"))
			if err := tx.Commit(snapshot); err != nil {
				t.Fatal(err)
			}
			s := l.LogStore()
			// What raft does next with a monotonic store.
			if last, _ := s.LastIndex(); last != 0 {
				first, _ := s.FirstIndex()
				if err := s.DeleteRange(first, last); err != nil {
					t.Fatal(err)
				}
			}
			l = reopenLog(t, l, fs)
			if i, _ := l.Last(); i != 0 || l.Applied() != snapshot || l.Floor() != snapshot+1 {
				t.Fatalf("last %d applied %d floor %d", i, l.Applied(), l.Floor())
			}
			if v, _ := l.Get(SpaceMeta, chainKey); string(v) != "new" {
				t.Fatalf("projection %q", v)
			}
			storeLogs(t, l, command(snapshot+1, 2, batchOf(1, noon, 1, "new")))
			apply(t, l, snapshot+1)
			for _, sel := range []string{"old", "new"} {
				got, _ := l.Next(Selector{Exact: []string{sel}}, 0, 10)
				if want := map[string]int{"old": 0, "new": 1}[sel]; len(got) != want {
					t.Errorf("channel %q: %v", sel, got)
				}
			}
			if _, err := l.Entry(3); !errors.Is(err, ErrBelowFloor) {
				t.Errorf("entry before the snapshot: %v", err)
			}
			verify(t, l)
		})
	}
}

func TestReclaimRemovesOnlyWhatIsBelowTheFloor(t *testing.T) {
	byItself(t)
	fs := vfs.NewMem()
	l := openLog(t, fs)
	for i := uint64(1); i <= 40; i++ {
		storeLogs(t, l, command(i, 1, batchOf(1, noon.Add(time.Duration(i)*time.Second), 1, "all", fmt.Sprintf("c%d", i/10))))
	}
	apply(t, l, 39)
	tx := l.Begin()
	e, err := l.stored(40)
	if err != nil {
		t.Fatal(err)
	}
	h, _ := entry.DecodeHeader(e.Data)
	tx.IndexBatch(40, h)
	tx.RaiseFloor(25)
	if err := tx.Commit(40); err != nil {
		t.Fatal(err)
	}
	before := verify(t, l)
	if got, _ := l.IndexAt(noon); got != 25 {
		t.Fatalf("at noon: %d, want 25", got)
	}
	if err := l.Retention().Reclaim(); err != nil {
		t.Fatal(err)
	}
	if after := verify(t, l); after != before {
		t.Fatalf("reclaiming changed what is visible: %+v, before %+v", after, before)
	}
	var keys int
	for _, span := range []byte{layout.SpanEntry, layout.SpanBatch, layout.SpanIndex, layout.SpanSeries} {
		lower, upper := layout.SpanBounds(span)
		_ = l.db.scan(lower, upper, func(_, _ []byte) error { keys++; return nil })
	}
	if want := 16 + 16 + 32 + 4; keys != want { // c0 and c1 left the directory
		t.Fatalf("%d keys are left, want %d", keys, want)
	}
	l = reopenLog(t, l, fs)
	if first, _ := l.LogStore().FirstIndex(); first != 25 {
		t.Fatalf("first index %d, want 25", first)
	}
	if got, _ := l.Next(Selector{Prefixes: []string{"c"}}, 0, 1); !slices.Equal(got, []uint64{25}) {
		t.Fatalf("next %v, want [25]", got)
	}
	if got, _ := l.IndexAt(noon); got != 25 {
		t.Fatalf("at noon: %d, want 25", got)
	}
	verify(t, l)
}

func TestVerifyFindsEachKindOfDamage(t *testing.T) {
	damage := map[string]func(b *pebble.Batch) error{
		"missing entry": func(b *pebble.Batch) error { return b.Delete(layout.Indexed(layout.SpanEntry, 2), nil) },
		"first entry":   func(b *pebble.Batch) error { return b.Delete(layout.Indexed(layout.SpanEntry, 1), nil) },
		"swapped entry": func(b *pebble.Batch) error {
			return copyKey(b, layout.Indexed(layout.SpanEntry, 1), layout.Indexed(layout.SpanEntry, 2))
		},
		"missing index key": func(b *pebble.Batch) error { return b.Delete(seriesOf("b", 2).IndexKey(2), nil) },
		"extra index key": func(b *pebble.Batch) error {
			return b.Set(seriesOf("a", 2).IndexKey(3), nil, nil)
		},
		"index of future": func(b *pebble.Batch) error {
			return b.Set(seriesOf("a", 2).IndexKey(5), nil, nil)
		},
		"another's key": func(b *pebble.Batch) error {
			return errors.Join(b.Delete(seriesOf("b", 2).IndexKey(2), nil), b.Set(seriesOf("b", 3).IndexKey(2), nil, nil))
		},
		"missing mark":      func(b *pebble.Batch) error { return b.Delete(markKey(2), nil) },
		"mark of a change":  func(b *pebble.Batch) error { return b.Set(markKey(3), make([]byte, 9), nil) },
		"mark of future":    func(b *pebble.Batch) error { return b.Set(markKey(9), make([]byte, 9), nil) },
		"hidden by mistake": func(b *pebble.Batch) error { return b.Set(markKey(2), hiddenMark(), nil) },
		"missing directory": func(b *pebble.Batch) error { return b.Delete(seriesOf("b", 2).Key(), nil) },
		"stale directory": func(b *pebble.Batch) error {
			return b.Set(seriesOf("b", 2).Key(), IndexKey(1), nil)
		},
	}
	for name, do := range damage {
		t.Run(name, func(t *testing.T) {
			l := openLog(t, vfs.NewMem())
			storeLogs(t, l, command(1, 1, batchOf(1, noon, 1, "a")), command(2, 1, batchOf(2, noon, 1, "a", "b")),
				command(3, 1, []byte{byte(entry.KindChange)}), command(4, 1, batchOf(3, noon, 1, "a")))
			apply(t, l, 3)
			verify(t, l)
			b := l.db.NewIndexedBatch()
			if err := errors.Join(do(b), b.Commit(pebble.Sync)); err != nil {
				t.Fatal(err)
			}
			if s, err := l.Verify(t.Context(), nil); err == nil {
				t.Fatalf("not found: %+v", s)
			}
		})
	}
}

func copyKey(b *pebble.Batch, from, to []byte) error {
	v, closer, err := b.Get(from)
	if err != nil {
		return err
	}
	defer closer.Close()
	return b.Set(to, v, nil)
}

func hiddenMark() []byte { return []byte{layout.FlagHidden, 0x7f, 0, 0, 0, 0, 0, 0, 0} }

func TestConcurrentReadersDecodeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTail(1 << 20)
		decoding, finish := 0, make(chan struct{})
		decode := func(uint64) (*entry.Batch, error) {
			decoding++
			<-finish
			return new(entry.Batch), nil
		}
		for range 50 {
			go func() {
				if b, err := c.decoded(1, decode); b == nil || err != nil {
					t.Errorf("batch: %v", err)
				}
			}()
		}
		synctest.Wait() // all of them are inside
		close(finish)
		synctest.Wait()
		if decoding != 1 {
			t.Fatalf("decoded %d times", decoding)
		}
	})
}

func TestHighWaterMark(t *testing.T) {
	l := openLog(t, vfs.NewMem())
	if err := l.CheckHighWater(0, 0); err != nil {
		t.Fatalf("no mark yet: %v", err)
	}
	if err := l.CheckHighWater(1, 1); !errors.Is(err, ErrLogBehind) {
		t.Fatalf("an empty log: %v", err)
	}
	for i := uint64(1); i <= 6; i++ {
		storeLogs(t, l, command(i, i/3, []byte{byte(entry.KindChange)}))
	}
	apply(t, l, 4)
	if err := l.LogStore().DeleteRange(1, 3); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		index, term uint64
		behind      bool
	}{{6, 2, false}, {5, 1, false}, {5, 2, true}, {6, 1, true}, {7, 2, true}, {4, 1, false}, {2, 9, false}} {
		if err := l.CheckHighWater(c.index, c.term); errors.Is(err, ErrLogBehind) != c.behind {
			t.Errorf("mark %d of term %d: %v", c.index, c.term, err)
		}
	}
}

func TestTailIsBounded(t *testing.T) {
	l := openLog(t, vfs.NewMem()) // 256 KiB, half for records
	for i := uint64(1); i <= 100; i++ {
		storeLogs(t, l, command(i, 1, batchOf(1, noon, 9000+int(i), "a")))
		apply(t, l, i)
		if _, err := l.Batch(i); err != nil {
			t.Fatal(err)
		}
	}
	for i := uint64(1); i <= 100; i++ { // a reader of history
		if _, err := l.Batch(i); err != nil {
			t.Fatal(err)
		}
	}
	if l.tail.bytes > 128<<10 || l.tail.batchBytes > 128<<10 {
		t.Fatalf("%d bytes of records and %d of batches, limit %d each", l.tail.bytes, l.tail.batchBytes, 128<<10)
	}
	if _, ok := l.tail.batches[100]; !ok {
		t.Fatal("a reader of history pushed the newest batch out")
	}
	if _, ok := l.tail.record(100); !ok {
		t.Fatal("the newest record is not in memory")
	}
}
