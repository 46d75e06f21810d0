package eventlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"hpfriends/eventlog/cold"
	"hpfriends/eventlog/entry"
	"hpfriends/eventlog/layout"
)

// randomLog is a log of n entries of all sorts, applied.
func randomLog(t testing.TB, fs vfs.FS, seed, n uint64) *Log {
	t.Helper()
	l, rng := openLog(t, fs), rand.New(rand.NewPCG(seed, 1))
	for i := uint64(1); i <= n; i++ {
		e := command(i, 1+i/20, randomData(rng, i, 900))
		switch rng.IntN(12) {
		case 0:
			e = &raft.Log{Index: i, Term: 1 + i/20, Type: raft.LogNoop}
		case 1:
			e.Extensions = []byte("extension")
		case 2: // a batch that another encoder made: its table says everything twice
			e.Data = uncanonical(i)
		}
		storeLogs(t, l, e)
		if rng.IntN(3) == 0 || i == n {
			apply(t, l, i)
		}
	}
	return l
}

// uncanonical is a batch of two runs that a Builder makes one of.
func uncanonical(index uint64) []byte {
	var b entry.Builder
	for _, c := range []string{"chan.1", "chan.2"} {
		b.Add(c, 1, 1, 1700000000000, netip.Addr{}, publish("sensor", "chan.1", 10, 'x'), 1)
	}
	data := b.Encode([16]byte{byte(index)}, index*5)
	return bytes.Replace(data, []byte("chan.2"), []byte("chan.1"), 1)
}

// answers is what a log says to everything that can be asked, by question.
func answers(t *testing.T, l *Log) map[string]string {
	t.Helper()
	all := map[string]string{}
	say := func(question string, answer any, err error) { all[question] = fmt.Sprintf("%v, %v", answer, err) }
	for i := uint64(0); i <= l.Applied()+1; i++ {
		e, err := l.Entry(i)
		say(fmt.Sprint("entry ", i), fmt.Sprintf("%d %s %s %x", e.Term, e.Appended, e.Kind, e.Data), err)
		var got raft.Log
		err = l.LogStore().GetLog(i, &got)
		say(fmt.Sprint("log ", i), fmt.Sprintf("%+v", got), err)
		h, err := l.Header(i)
		h.Runs = slices.Clone(h.Runs)
		for j := range h.Runs {
			h.Runs[j].Frames = nil // they are there or not
		}
		say(fmt.Sprint("header ", i), fmt.Sprintf("%+v", h), err)
		b, err := l.Batch(i)
		if b != nil {
			say(fmt.Sprint("batch ", i), fmt.Sprintf("%+v", b), err)
		} else {
			say(fmt.Sprint("batch ", i), nil, err)
		}
		first, err := l.Retention().afterBatch(i)
		say(fmt.Sprint("after ", i), first, err)
	}
	of := chosen{first: map[layout.Series]uint64{seriesOf("chan.1", 1): 0, seriesOf("chan.2", 2): 30}}
	for i, sel := range []Selector{
		Select("*"), Select("chan.1"), Select("chan.2", "chan.4"), Select("chan*"), Select("none"),
		{Exact: []string{"chan.1"}, Origins: of}, {Prefixes: []string{"chan"}, Origins: of},
	} {
		for from := uint64(0); from <= l.Applied()+1; from += 7 {
			for _, limit := range []int{1, 5, 1000} {
				for _, newest := range []bool{false, true} {
					got, err := l.Lookup(Lookup{Selector: sel, From: from, End: l.Applied() - from/3, Limit: limit, Newest: newest})
					say(fmt.Sprint("lookup ", i, from, limit, newest), got.Indexes, err)
				}
			}
		}
	}
	for ms := int64(1699999999900); ms < 1700000001500; ms += 37 {
		at, err := l.PositionAt(time.UnixMilli(ms))
		say(fmt.Sprint("position ", ms), at, err)
		at, err = l.EndAt(time.UnixMilli(ms))
		say(fmt.Sprint("end ", ms), at, err)
		start, err := l.StartAt(time.UnixMilli(ms))
		say(fmt.Sprint("start ", ms), start, err)
	}
	var changes []uint64
	err := l.ScanChanges(0, l.Applied(), func(e Entry) error {
		changes = append(changes, e.Index)
		return nil
	})
	say("changes", changes, err)
	v, err := l.View()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	say("view", []uint64{v.Floor, v.Applied, uint64(v.Newest)}, nil)
	var stored []string
	err = v.Entries(t.Context(), v.Floor, v.Applied, func(s Stored) error {
		stored = append(stored, fmt.Sprintf("%+v", s))
		return nil
	})
	say("view's entries", stored, err)
	for _, span := range [][2]uint64{{v.Floor, v.Applied}, {v.Floor + 3, v.Applied - 3}} {
		sum, err := v.Digest(t.Context(), span[0], span[1])
		say(fmt.Sprint("digest ", span), sum, err)
	}
	s := verify(t, l)
	s.Bytes, s.IndexKeys, s.Blocks = 0, 0, 0 // these differ
	say("verify", s, nil)
	return all
}

// TestBlocksSayTheSame asks a log everything before and after its entries have moved into blocks, from whatever floor.
func TestBlocksSayTheSame(t *testing.T) {
	for seed := range uint64(times(8)) {
		fs, rng := vfs.NewMem(), rand.New(rand.NewPCG(seed, 2))
		l := randomLog(t, fs, seed, 150)
		if rng.IntN(2) == 0 {
			_ = l.LogStore().DeleteRange(1, rng.Uint64N(40))
		}
		want := answers(t, l)
		blocks := 0
		for range 5 {
			p, err := l.Cold().Pack(t.Context(), Packing{Before: rng.Uint64N(160)})
			if err != nil {
				t.Fatal(err)
			}
			if p.First == 0 {
				continue
			}
			blocks++
			l.tail.forget(p.Last + 1)
			if rng.IntN(3) == 0 {
				l = reopenLog(t, l, fs)
			}
			got := answers(t, l)
			for q, a := range want {
				if got[q] != a {
					t.Fatalf("seed %d, %d blocks up to #%d, floor %d: %s: %.300s, want %.300s", seed, blocks, l.Cold().Ends(),
						l.Floor(), q, got[q], a)
				}
			}
			if err := l.Cold().GiveBack(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if found, _ := scrubAll(t, l, 1+rng.Int64N(20_000)); len(found) > 0 {
			t.Fatalf("seed %d: %v", seed, found)
		}
	}
}

// Of a block, a reader of some series reads these, whole and at their places, and nothing of others.
func TestExcerptHasWhatIsSelected(t *testing.T) {
	byItself(t)
	l := openLog(t, vfs.NewMem())
	const n = 60
	for i := uint64(1); i <= n; i++ {
		var b entry.Builder
		for j, c := range []string{"a", "b", "c", "c", "d"} {
			b.Add(c, 1, uint64(j), noon.UnixMilli(), netip.Addr{}, publish("sensor", c, 50, byte(i)), 1)
		}
		storeLogs(t, l, command(i, 1, b.Encode([16]byte{1}, i*5)))
	}
	apply(t, l, n)
	pack(t, l, 50)
	sel := Select("c", "z")
	sel.Origins = chosen{first: map[layout.Series]uint64{{Channel: "c", Origin: 3}: 0}}
	x := NewExcerpt(l, sel)
	for _, i := range []uint64{1, 2, 40, 7, 49, 50, 60} {
		whole, err := l.Batch(i)
		if err != nil {
			t.Fatal(err)
		}
		got, err := x.Batch(i)
		read, errRead := x.Read(i)
		if err = errors.Join(err, errRead); err != nil {
			t.Fatal(err)
		}
		again, err := read.Batch(new([]byte))
		if err != nil || len(again.Runs) != len(read.Runs) {
			t.Fatalf("entry %d: %d runs, their header has %d, %v", i, len(again.Runs), len(read.Runs), err)
		}
		if i >= 50 { // in no block
			if len(got.Runs) != 5 || len(read.Runs) != 5 {
				t.Errorf("entry %d: %d and %d runs", i, len(got.Runs), len(read.Runs))
			}
			continue
		}
		if !reflect.DeepEqual(got.Runs, whole.Runs[3:4]) || !reflect.DeepEqual(again.Runs, got.Runs) {
			t.Errorf("entry %d: %+v and %+v, want %+v", i, got.Runs, again.Runs, whole.Runs[3:4])
		}
	}
}

// What retention leaves in a block is read as before, and a block goes when nothing of it is left.
func TestRetentionOfBlocks(t *testing.T) {
	byItself(t)
	l := randomLog(t, vfs.NewMem(), 3, 120)
	for _, before := range []uint64{40, 80} {
		pack(t, l, before+1)
	}
	r := l.Retention()
	size, err := r.Size()
	below, errBelow := r.SizeBelow(41)
	floor, errFloor := r.FloorForSize(size - below)
	if err = errors.Join(err, errBelow, errFloor); err != nil || below <= 0 || below >= size || floor != 41 {
		t.Fatalf("size %d, %d below 41, floor for the rest %d, %v", size, below, floor, err)
	}
	for _, floor := range []uint64{20, 41, 79, 81} {
		want, _ := l.Entry(max(floor, 82))
		_ = l.LogStore().DeleteRange(l.Floor(), floor-1)
		if err := r.Reclaim(); err != nil {
			t.Fatal(err)
		}
		verify(t, l)
		if _, err := l.Entry(floor - 1); !errors.Is(err, ErrBelowFloor) {
			t.Errorf("entry %d below the floor: %v", floor-1, err)
		}
		if got, err := l.Entry(want.Index); err != nil || !bytes.Equal(got.Data, want.Data) {
			t.Errorf("floor %d: entry %d: %v", floor, want.Index, err)
		}
		blocks, _, err := l.Cold().Stored()
		if want := map[uint64]int{20: 2, 41: 1, 79: 1, 81: 0}[floor]; blocks != want || err != nil {
			t.Errorf("floor %d: %d blocks, %v, want %d", floor, blocks, err, want)
		}
	}
	if r.Reclaimed() == 0 {
		t.Error("nothing was reclaimed")
	}
	n := 0
	it, err := l.db.iterate([]byte{cold.SpanHead}, []byte{cold.SpanPart + 1})
	if err != nil {
		t.Fatal(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		n++
	}
	if err := it.Close(); err != nil || n > 0 {
		t.Errorf("%d keys of blocks are left, %v", n, err)
	}
}

// firstOnly is a stripe that knows of one entry.
func firstOnly(last, first uint64) []byte { return cold.AppendPositions(nil, last, []uint64{first}) }

// TestDamagedBlockIsReported breaks each part of a block, and each of its keys: a reader gets an error or what was
// there, and Verify and the scrub find it and name the block. Unless it is the block's name that is gone, or something
// of no block, all is sound when the block is restored.
func TestDamagedBlockIsReported(t *testing.T) {
	byItself(t)
	const n = 60
	series := layout.Series{Channel: "chan.1", Origin: 1}
	for name, breakIt := range map[string]func(*Log, cold.Head, *pebble.Batch) error{
		"sound": func(*Log, cold.Head, *pebble.Batch) error { return nil },
		"payloads": func(l *Log, h cold.Head, b *pebble.Batch) error {
			v, err := l.db.get(cold.PartKey(h.Last, 0))
			v[100] ^= 1
			return errors.Join(err, b.Set(cold.PartKey(h.Last, 0), v, nil))
		},
		"footer": func(l *Log, h cold.Head, b *pebble.Batch) error {
			v, err := l.db.get(cold.PartKey(h.Last, 0))
			v[len(v)-3] ^= 1
			return errors.Join(err, b.Set(cold.PartKey(h.Last, 0), v, nil))
		},
		"missing part": func(_ *Log, h cold.Head, b *pebble.Batch) error { return b.Delete(cold.PartKey(h.Last, 0), nil) },
		"missing marks": func(_ *Log, h cold.Head, b *pebble.Batch) error {
			return b.Delete(cold.Key(cold.SpanMarks, h.Last), nil)
		},
		"other marks": func(_ *Log, h cold.Head, b *pebble.Batch) error {
			none := make([]cold.Mark, h.Last-h.First+1)
			return b.Set(cold.Key(cold.SpanMarks, h.Last), cold.EncodeMarks(h.Before, none), nil)
		},
		"missing stripe": func(_ *Log, h cold.Head, b *pebble.Batch) error { return b.Delete(series.StripeKey(h.Last), nil) },
		"other stripe": func(_ *Log, h cold.Head, b *pebble.Batch) error {
			return b.Set(series.StripeKey(h.Last), firstOnly(h.Last, h.First), nil)
		},
		"missing head": func(_ *Log, h cold.Head, b *pebble.Batch) error {
			return b.Delete(cold.Key(cold.SpanHead, h.Last), nil)
		},
		"stripe of nothing": func(_ *Log, h cold.Head, b *pebble.Batch) error {
			return b.Set(series.StripeKey(h.Last-1), firstOnly(h.Last-1, h.First), nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := randomLog(t, vfs.NewMem(), 9, n)
			var want []string
			for i := uint64(1); i <= n; i++ {
				e, _ := l.Entry(i)
				want = append(want, fmt.Sprintf("%d %x", e.Term, e.Data))
			}
			pack(t, l, 50)
			is := content(t, l, 1, 49)
			h, err := l.db.blocks().Last()
			b := l.db.NewBatch()
			if err = errors.Join(err, breakIt(l, h, b), b.Commit(pebble.Sync)); err != nil {
				t.Fatal(err)
			}
			l.db.cache.Forget()
			refused := 0
			for i := uint64(1); i <= n; i++ {
				switch e, err := l.Entry(i); {
				case err != nil && !IsDamage(err):
					t.Errorf("entry %d: %v", i, err)
				case err != nil:
					refused++
				case fmt.Sprintf("%d %x", e.Term, e.Data) != want[i-1]:
					t.Errorf("entry %d was served with other bytes", i)
				}
			}
			_, err = l.Verify(t.Context(), nil)
			found, _ := scrubAll(t, l, 5000)
			if sound := name == "sound"; sound != (err == nil) || sound != (len(found) == 0) || err != nil && !IsDamage(err) {
				t.Errorf("verify: %v; scrub: %v", err, found)
			}
			if name == "payloads" && (refused != 49 || !strings.Contains(err.Error(), `"chan.`) ||
				!strings.Contains(err.Error(), "block #1 to #49")) {
				t.Errorf("%d entries are refused, %v: want 49, the block and its channels", refused, err)
			}
			known, _ := l.Cold().Damaged()
			if name == "sound" || name == "missing head" || name == "stripe of nothing" {
				return
			}
			if err := l.Cold().Restore(t.Context(), h.Last, is, false); err != nil || len(known) != 1 {
				t.Errorf("restore: %v; known were %v", err, known)
			}
			verify(t, l)
			if known, _ := l.Cold().Damaged(); len(known) > 0 {
				t.Errorf("known as damaged: %v", known)
			}
		})
	}
}

// A block that was not finished is gone after the next start, and what it was to replace is there.
func TestUnfinishedBlockIsRemoved(t *testing.T) {
	byItself(t)
	fs := vfs.NewCrashableMem()
	l := randomLog(t, fs, 4, 80)
	pack(t, l, 30)
	ctx, cancel := context.WithCancel(t.Context())
	rests := 0
	_, err := l.Cold().Pack(ctx, Packing{Before: 70, Rest: func(time.Duration) {
		if _, _, some, err := l.db.blocks().Leftovers(); err != nil || some {
			cancel()
		}
		rests++
	}})
	if err != nil && !errors.Is(err, context.Canceled) || rests < 3 {
		t.Fatalf("%d rests, %v", rests, err)
	}
	b := l.db.NewBatch()
	if err := errors.Join(b.Set(cold.PartKey(70, 0), []byte("part"), nil), b.Set(cold.PartKey(75, 0), []byte("part"), nil),
		b.Commit(pebble.Sync)); err != nil {
		t.Fatal(err)
	}
	verify(t, l)
	l = reopenLog(t, l, fs)
	if _, _, some, err := l.db.blocks().Leftovers(); err != nil || some {
		t.Errorf("parts of unfinished blocks are there: %t, %v", some, err)
	}
	verify(t, l)
	pack(t, l, 80)
	if verify(t, l); l.Cold().Ends() != 79 {
		t.Errorf("blocks up to %d, want 79", l.Cold().Ends())
	}
}
