package eventlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"
	"pgregory.net/rapid"

	"hpfriends/eventlog/entry"
	"hpfriends/eventlog/layout"
	"hpfriends/eventlog/spare"
)

// raise commits a floor with the next entry, as an applied entry.KindFloor does.
func raise(t tb, l *Log, floor uint64) {
	t.Helper()
	last, term := l.Last()
	e := entry.Floor{Floor: floor, Reason: entry.FloorBySize, Time: time.UnixMilli(1)}
	storeLogs(t, l, command(last+1, max(term, 1), e.Encode()))
	tx := l.Begin()
	tx.RaiseFloor(floor)
	if err := tx.Commit(last + 1); err != nil {
		t.Fatalf("raise the floor to %d: %v", floor, err)
	}
}

// incompressible is a batch of one message on each channel.
func incompressible(rng *rand.Rand, seq uint64, at int64, size int, channels ...string) []byte {
	var b entry.Builder
	for _, c := range channels {
		b.Add(c, 1, 2, at, netip.Addr{}, randomFrame(rng, size), 1)
	}
	return b.Encode([16]byte{1}, seq*5)
}

// TestSizesAndFloorsAgainstTheEntries appends, truncates, raises floors, reclaims and reopens at random, and compares
// sizes and floors with those that are counted entry by entry.
func TestSizesAndFloorsAgainstTheEntries(t *testing.T) {
	const largest = 250 << 10
	rapid.Check(t, func(rt *rapid.T) {
		fs := vfs.NewMem()
		l := openLog(t, fs)
		defer func() { _ = l.Close() }()
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 3))
		sizes := map[uint64]int64{} // of the records
		for range 20 {
			last, _ := l.Last()
			switch rng.IntN(8) {
			case 0, 1, 2, 3:
				e := command(last+1, 1, incompressible(rng, last+1, int64(last), rng.IntN(largest), "c"))
				storeLogs(rt, l, e)
				sizes[last+1] = int64(layout.RecordHeader + len(e.Data))
			case 4:
				if l.Applied() < last {
					apply(rt, l, last)
				}
			case 5:
				if from := l.Applied() + 1; from > l.Floor() && from < last {
					_ = l.LogStore().DeleteRange(from+rng.Uint64N(last-from), last)
				}
			case 6:
				if l.Applied() == last && last > 0 {
					raise(rt, l, l.Floor()+rng.Uint64N(last+2-l.Floor()))
					sizes[last+1] = layout.RecordHeader + int64(len(new(entry.Floor).Encode()))
				}
				if err := l.Retention().Reclaim(); err != nil {
					rt.Fatal(err)
				}
			case 7:
				l = reopenLog(t, l, fs)
			}
			checkSizes(rt, l, sizes, largest+sizeStep+100)
		}
		verify(rt, l)
	})
}

func checkSizes(t *rapid.T, l *Log, sizes map[uint64]int64, slack int64) {
	floor, last := l.bounds()
	var want int64
	for i := floor; i <= last; i++ {
		want += sizes[i]
	}
	got, err := l.Retention().Size()
	if err != nil || got < want || got > want+slack {
		t.Fatalf("the entries %d to %d have %d bytes, Size says %d (%v)", floor, last, want, got, err)
	}
	for _, limit := range []int64{0, want / 3, want, want + slack} {
		at, err := l.Retention().FloorForSize(limit)
		if err != nil || at < floor || at > max(l.Applied(), floor) {
			t.Fatalf("floor for %d bytes: %d of %d to %d (%v)", limit, at, floor, l.Applied(), err)
		}
		var kept, above int64
		for i := at; i <= last; i++ {
			kept += sizes[i]
		}
		for i := l.Applied() + 1; i <= last; i++ {
			above += sizes[i]
		}
		if most := max(limit, above) + slack; kept > most { // what is not applied cannot go, nor what has no mark yet
			t.Fatalf("floor %d for %d bytes keeps %d, %d not applied", at, limit, kept, above)
		}
		whole := int64(0) // of the block that ends below the floor, which goes as one
		if h, ok, err := l.db.blocks().At(at - 1); err != nil {
			t.Fatal(err)
		} else if ok {
			for i := max(h.First, floor); i <= h.Last; i++ {
				whole += sizes[i]
			}
		}
		if least := min(want, limit-slack-whole); kept < least {
			t.Fatalf("floor %d for %d bytes keeps only %d of %d", at, limit, kept, want)
		}
	}
}

// TestFloorForAgeKeepsEverythingYoung compares with a look at each entry, for every time at which one could differ.
func TestFloorForAgeKeepsEverythingYoung(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := openLog(t, vfs.NewMem())
		defer func() { _ = l.Close() }()
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 4))
		n := 1 + rng.Uint64N(25)
		young := make([]int64, n+1) // the newest time in an entry; milliseconds
		batch := make([]bool, n+1)
		for i := uint64(1); i <= n; i++ {
			e := command(i, 1, []byte{byte(entry.KindChange), '{', '}'})
			young[i] = 1000*int64(i) + rng.Int64N(900)
			if rng.IntN(3) > 0 {
				young[i], batch[i] = max(young[i]-rng.Int64N(3000), 0), true
				e.Data = batchOf(5*i, time.UnixMilli(young[i]), 10, "c")
			} else {
				e.AppendedAt = time.UnixMilli(young[i])
			}
			storeLogs(rt, l, e)
		}
		apply(rt, l, n)
		if rng.IntN(2) == 0 {
			raise(rt, l, 1+rng.Uint64N(n))
		}
		var search AgeSearch
		for at := int64(0); at < 1000*int64(n)+2000; at += 173 {
			if rng.IntN(2) == 0 {
				search = AgeSearch{}
			}
			floor, err := l.Retention().FloorForAge(&search, time.UnixMilli(at), time.UnixMilli(1<<40))
			if err != nil || floor < l.Floor() || floor > l.Applied() {
				rt.Fatalf("at %d: floor %d of %d to %d: %v", at, floor, l.Floor(), l.Applied(), err)
			}
			for i := l.Floor(); i < min(floor, n+1); i++ {
				after := !batch[i] && slices.Contains(batch[i:min(floor, n)+1], true) // with the old batch behind it
				if young[i] >= at && !after {
					rt.Fatalf("at %d: floor %d drops entry %d of %d: times %v, batches %v", at, floor, i, young[i], young, batch)
				}
			}
			// Not too low either: the entry at the floor is a young one, or a batch stands above it whose time was
			// passed before.
			if floor <= n && floor < l.Applied() && young[floor] < at && maxOf(young[:floor+1]) < at {
				rt.Fatalf("at %d: floor %d, whose entry is of %d", at, floor, young[floor])
			}
		}
	})
}

// A clock that was years ahead for a while does not keep what comes behind it, and one that was years behind lets
// nothing young go.
func TestFloorForAgeAfterAWrongClock(t *testing.T) {
	begin := time.UnixMilli(1_700_000_000_000).UTC()
	l := openLog(t, vfs.NewMem())
	const n = 1000
	for i := uint64(1); i <= n; i++ { // a batch each 10 s
		at := begin.Add(time.Duration(i) * 10 * time.Second)
		e := command(i, 1, nil)
		e.AppendedAt = at
		switch {
		case 20 <= i && i <= 40:
			e.AppendedAt = at.AddDate(3, 0, 0)
		case i == 70, i == 990:
			e.AppendedAt = at.AddDate(-3, 0, 0)
		}
		e.Data = batchOf(5*i, e.AppendedAt, 100, "c")
		storeLogs(t, l, e)
		apply(t, l, i)
	}
	now := begin.Add(n * 10 * time.Second)
	for _, c := range []struct{ t, want uint64 }{
		{10, 10}, {25, 20}, {41, 20}, {42, 42}, {60, 60}, {70, 71}, {71, 71}, {950, 950}, {990, 991}, {60, 60},
	} {
		var search AgeSearch
		floor := uint64(0)
		for range n/ageSteps + 1 {
			var err error
			if floor, err = l.Retention().FloorForAge(&search, begin.Add(time.Duration(c.t)*10*time.Second), now); err != nil {
				t.Fatal(err)
			}
		}
		if floor != c.want {
			t.Errorf("what is older than batch %d is below %d, want %d", c.t, floor, c.want)
		}
	}
}

func maxOf(times []int64) (m int64) {
	for _, t := range times {
		m = max(m, t)
	}
	return m
}

// directoryBytes is what du says, of the tables and of the WALs.
func directoryBytes(t *testing.T, dir string) (tables, wals int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) { // removed meanwhile
			return nil
		}
		if err == nil {
			if strings.HasSuffix(d.Name(), ".log") || d.Name() == spare.File {
				wals += info.Size()
			} else {
				tables += info.Size()
			}
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return tables, wals
}

// walLimit is a full WAL and the one for reuse.
const walLimit = 128 << 20

// openOnDisk opens a log in a directory of the system's.
func openOnDisk(t *testing.T) (l *Log, dir string) {
	t.Helper()
	cfg := testConfig(nil)
	cfg.Dir = t.TempDir()
	l, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l, cfg.Dir
}

// TestSpaceIsReturned writes what cannot be compressed to a real directory, raises the floor, and looks at the disk.
func TestSpaceIsReturned(t *testing.T) {
	total, kept := int64(200<<20), int64(8<<20)
	if os.Getenv("EVENTLOG_LONG") != "" {
		total = 400 << 20
	}
	l, dir := openOnDisk(t)
	rng := rand.New(rand.NewPCG(9, 9))
	for i := uint64(1); i <= uint64(total>>18); i++ {
		storeLogs(t, l, command(i, 1, incompressible(rng, i, int64(i), 256<<10, fmt.Sprintf("c%d", i%50))))
		if i%16 == 0 {
			apply(t, l, i)
		}
	}
	last, _ := l.Last()
	if l.Applied() < last {
		apply(t, l, last)
	}
	tables, wals := directoryBytes(t, dir)
	before := tables + wals
	if before < total {
		t.Fatalf("the directory has %d bytes, %d were written", before, total)
	}
	floor, err := l.Retention().FloorForSize(kept)
	if err != nil {
		t.Fatal(err)
	}
	raise(t, l, floor)
	if err := l.Retention().Reclaim(); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	// A WAL is kept for reuse, however long the log is.
	for {
		if tables, wals = directoryBytes(t, dir); tables <= kept+kept/4+2<<20 && wals <= walLimit {
			break
		}
		if time.Since(begin) > 10*time.Second {
			t.Fatalf("%d and %d of %d bytes are left on the disk 10 s after the floor left %d:\n%s",
				tables, wals, before, kept, l.db.Metrics())
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Logf("%d MiB fell to %d MiB and %d MiB of WALs with %d MiB kept in %v",
		before>>20, tables>>20, wals>>20, kept>>20, time.Since(begin))
	if got := int64(l.Retention().Reclaimed()); got < total-kept-2<<20 || got > total {
		t.Errorf("reclaimed %d of %d bytes", got, total-kept)
	}
	if s := verify(t, l); s.Floor != floor || s.Entries != last+1-floor+1 {
		t.Errorf("%+v, want the entries from %d to %d", s, floor, last+1)
	}
}

// TestReadersBelowARisingFloor reads in every way while entries are appended, the floor rises and space is reclaimed:
// what readers get is right, or ErrBelowFloor, or nothing; never damage.
func TestReadersBelowARisingFloor(t *testing.T) {
	l := openLog(t, vfs.NewMem())
	end := uint64(times(1000))
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	var mu sync.Mutex
	read, below := 0, 0
	fail := func(format string, args ...any) { t.Errorf(format, args...); stop() }
	one := func(i uint64) {
		b, err := l.Batch(i)
		switch {
		case err == nil && b.Runs[0].Time != int64(i)*1000:
			fail("entry %d is of time %d", i, b.Runs[0].Time)
		case err == nil:
			mu.Lock()
			read++
			mu.Unlock()
		case errors.Is(err, ErrBelowFloor):
			if floor := l.Floor(); i >= floor {
				fail("entry %d is below the floor %d", i, floor)
			}
			mu.Lock()
			below++
			mu.Unlock()
		default:
			fail("entry %d with the floor at %d: %v", i, l.Floor(), err)
		}
	}
	for _, sel := range []Selector{{Prefixes: []string{""}}, {Exact: []string{"a"}}, {Prefixes: []string{"c"}}} {
		readers.Go(func() {
			for from := uint64(1); ctx.Err() == nil; {
				indexes, err := l.Next(sel, from, 20)
				if err != nil {
					fail("next from %d: %v", from, err)
					return
				}
				for _, i := range indexes {
					if i < from {
						fail("next from %d gave %d", from, i)
					}
					one(i)
					from = i + 1
				}
				if len(indexes) < 20 { // once more from the oldest
					from = l.Floor() - min(l.Floor(), 5)
				}
			}
		})
	}
	readers.Go(func() {
		var search AgeSearch
		for rng := rand.New(rand.NewPCG(1, 1)); ctx.Err() == nil; {
			want := time.UnixMilli(rng.Int64N(int64(end) * 1000))
			at, err := l.IndexAt(want)
			if err != nil {
				fail("at %v: %v", want, err)
			}
			if _, err := l.Entry(at); err != nil && !errors.Is(err, ErrBelowFloor) && !errors.Is(err, ErrNotFound) {
				fail("entry %d: %v", at, err)
			}
			if _, err := l.PositionAt(want); err != nil {
				fail("position at %v: %v", want, err)
			}
			if _, err := l.Retention().FloorForAge(&search, want, want.Add(time.Hour)); err != nil {
				fail("floor for age: %v", err)
			}
			if _, err := l.Retention().FloorForSize(rng.Int64N(1 << 20)); err != nil {
				fail("floor for size: %v", err)
			}
			newest := Lookup{Selector: Select("c*"), End: math.MaxUint64, Limit: 5, Newest: true}
			if _, err := l.Lookup(newest); err != nil {
				fail("the newest: %v", err)
			}
		}
	})
	readers.Go(func() {
		for ctx.Err() == nil {
			var from []byte
			for ok := true; ok && ctx.Err() == nil; ok = from != nil {
				p, err := l.Scrub(ctx, from, 50_000)
				if err != nil && ctx.Err() == nil {
					fail("scrub from %x: %v", from, err)
					return
				}
				from = p.Next
			}
		}
	})
	writeUnder(t, ctx, l, end)
	stop()
	readers.Wait()
	if read == 0 || below == 0 {
		t.Errorf("%d reads, %d below the floor: the test shows nothing", read, below)
	}
	// The moment between reading a record and looking for its mark is too short to be hit: this is what is found then.
	if err := l.shown(1); !errors.Is(err, ErrBelowFloor) {
		t.Errorf("a batch whose mark was reclaimed: %v", err)
	}
	t.Logf("%d batches read, %d times below the floor, which is %d of %d", read, below, l.Floor(), l.Applied())
	verify(t, l)
}

// writeUnder appends and applies batches up to end, and lets the floor follow closely.
func writeUnder(t *testing.T, ctx context.Context, l *Log, end uint64) {
	rng := rand.New(rand.NewPCG(5, 5))
	for ctx.Err() == nil && l.Applied() < end {
		var logs []*raft.Log
		for i := l.Applied() + 1; len(logs) < 8; i++ {
			logs = append(logs, command(i, 1, incompressible(rng, i, int64(i)*1000, 500, "a", fmt.Sprintf("c%d", i%7))))
		}
		storeLogs(t, l, logs...)
		apply(t, l, logs[7].Index)
		if rng.IntN(3) == 0 {
			raise(t, l, max(l.Floor(), l.Applied()-min(l.Applied()-1, rng.Uint64N(30))))
			if err := l.Retention().Reclaim(); err != nil {
				t.Fatal(err)
			}
			if rng.IntN(4) == 0 {
				if err := l.db.Flush(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
