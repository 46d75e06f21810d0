package eventlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/hashicorp/raft"

	"hpfriends/eventlog/cold"
	"hpfriends/eventlog/entry"
	"hpfriends/eventlog/mend"
)

// largeBlocks is a log whose oldest entries are in three blocks of several parts, in tables.
func largeBlocks(t *testing.T, fs vfs.FS) (l *Log, heads []cold.Head) {
	t.Helper()
	l = openLog(t, fs)
	rng := rand.New(rand.NewPCG(7, 7))
	for i := uint64(1); i <= 40; i++ {
		payload := make([]byte, 12<<10)
		for j := range payload {
			payload[j] = byte(rng.Uint32())
		}
		f := publish("sensor", fmt.Sprintf("chan.%d", i%3), len(payload), 0)
		copy(f[len(f)-len(payload):], payload)
		var b entry.Builder
		b.Add(fmt.Sprintf("chan.%d", i%3), 1, i%2, 1700000000000+int64(i), netip.Addr{}, f, 1)
		storeLogs(t, l, command(i, 1+i/20, b.Encode([16]byte{1}, i)))
	}
	apply(t, l, 40)
	for _, before := range []uint64{12, 23, 34} {
		pack(t, l, before)
	}
	if err := errors.Join(l.db.Flush(), l.Cold().GiveBack(t.Context()),
		l.db.Compact(t.Context(), []byte{0}, []byte{0xff}, false)); err != nil {
		t.Fatal(err)
	}
	err := l.db.blocks().Each(1, func(h cold.Head) error { heads = append(heads, h); return nil })
	if err != nil || len(heads) != 3 {
		t.Fatalf("%d blocks, %v", len(heads), err)
	}
	return l, heads
}

// content is what a log says its entries are.
func content(t *testing.T, l *Log, from, to uint64) (all []Stored) {
	t.Helper()
	v, err := l.View()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if err := v.Entries(t.Context(), from, to, func(s Stored) error {
		s.Data, s.Extensions = bytes.Clone(s.Data), bytes.Clone(s.Extensions)
		all = append(all, s)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// flipOnDisk flips a bit of a value where it lies in a table.
func flipOnDisk(t *testing.T, l *Log, fs *vfs.MemFS, key []byte) {
	t.Helper()
	v, err := l.db.get(key)
	if err != nil {
		t.Fatal(err)
	}
	needle, flipped := v[:min(len(v), 64)], 0
	names, err := fs.List("log")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		buf, err := fs.UnsafeGetFileDataBuffer(fs.PathJoin("log", name))
		if err != nil {
			t.Fatal(err)
		}
		if at := bytes.Index(buf, needle); at >= 0 {
			buf[at+len(needle)/2] ^= 1
			flipped++
		}
	}
	if flipped != 1 {
		t.Fatalf("the value of %x is in %d tables", key, flipped)
	}
}

// rotten is a copy of a store with a flipped bit in the value of a key.
func rotten(t *testing.T, sound *vfs.MemFS, key []byte) *vfs.MemFS {
	t.Helper()
	fs := vfs.NewCrashableMem()
	if ok, err := vfs.Clone(sound, fs, "log", "log"); !ok || err != nil {
		t.Fatal(err)
	}
	l := openLog(t, fs)
	flipOnDisk(t, l, fs, key)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	synced := vfs.NewCrashableMem()
	if ok, err := vfs.Clone(fs, synced, "log", "log", vfs.CloneSync); !ok || err != nil {
		t.Fatal(err)
	}
	return synced
}

// soundBlocks is the disk of such a log, which is closed, and what the log says.
func soundBlocks(t *testing.T) (sound *vfs.MemFS, heads []cold.Head, want []Stored) {
	t.Helper()
	sound = vfs.NewMem()
	l, heads := largeBlocks(t, sound)
	want = content(t, l, 1, 40)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return sound, heads, want
}

// TestRestoredBlockIsRead damages parts of blocks on the disk, at their ends too: what is put in their place is read,
// the tables can be compacted, and nothing beside it is lost, also after a start.
func TestRestoredBlockIsRead(t *testing.T) {
	byItself(t)
	sound, heads, want := soundBlocks(t)
	// The table's first and last part share a block of it with other keys, without which no log opens.
	for _, key := range [][]byte{
		cold.PartKey(heads[0].Last, 1), heads[0].LastPart(), cold.PartKey(heads[1].Last, 0), cold.PartKey(heads[1].Last, 1),
		heads[1].LastPart(), cold.PartKey(heads[2].Last, 0),
	} {
		t.Run(fmt.Sprintf("%x", key), func(t *testing.T) {
			fs := rotten(t, sound, key)
			l := openLog(t, fs)
			last := binary.BigEndian.Uint64(key[1:])
			h, _, err := l.db.blocks().At(last)
			if _, damage := l.Entry(h.First); err != nil || !IsDamage(damage) {
				t.Fatalf("the damage is not found: %v, %v", damage, err)
			}
			if found, _ := l.Cold().Damaged(); len(found) != 1 || found[0].Last != last {
				t.Fatalf("known as damaged: %v", found)
			}
			if err := l.Cold().Restore(t.Context(), last, want[h.First-1:last], false); err != nil {
				t.Fatal(err)
			}
			if found, _ := l.Cold().Damaged(); len(found) != 0 {
				t.Errorf("still known as damaged: %v", found)
			}
			for range 2 {
				if err := l.db.Compact(t.Context(), []byte{0}, []byte{0xff}, false); err != nil {
					t.Error(err)
				}
				if got := content(t, l, 1, 40); !reflect.DeepEqual(got, want) {
					t.Error("the log says something else")
				}
				verify(t, l)
				l = reopenLog(t, l, fs)
			}
		})
	}
}

// TestDamageBesideIsNotDropped damages the end of the block before, or the beginning of the one behind, too: Pebble,
// which has to read that to cut the table there, would drop what it cannot read. So nothing is done until that is
// restored.
func TestDamageBesideIsNotDropped(t *testing.T) {
	byItself(t)
	sound, heads, want := soundBlocks(t)
	one := heads[1]
	for name, other := range map[string]struct {
		head cold.Head
		part []byte
	}{
		"before": {heads[0], heads[0].LastPart()},
		"behind": {heads[2], cold.PartKey(heads[2].Last, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			l := openLog(t, rotten(t, rotten(t, sound, cold.PartKey(one.Last, 1)), other.part))
			restore := func(h cold.Head) error {
				return l.Cold().Restore(t.Context(), h.Last, want[h.First-1:h.Last], false)
			}
			if err := restore(one); !errors.Is(err, mend.ErrBeside) {
				t.Fatalf("restored beside damage: %v", err)
			}
			for i := range want {
				e, err := l.Entry(want[i].Index)
				damaged := one.Holds(want[i].Index) || other.head.Holds(want[i].Index)
				if damaged && !IsDamage(err) || !damaged && (err != nil || !bytes.Equal(e.Data, want[i].Data)) {
					t.Errorf("entry %d: %v", want[i].Index, err)
				}
			}
			if err := errors.Join(restore(other.head), restore(one)); err != nil {
				t.Fatal(err)
			}
			if got := content(t, l, 1, 40); !reflect.DeepEqual(got, want) {
				t.Error("the log says something else")
			}
			verify(t, l)
		})
	}
}

// Raft, which a damaged entry ends, waits for who repairs it.
func TestRaftWaitsForRepair(t *testing.T) {
	byItself(t)
	sound := vfs.NewMem()
	l, heads := largeBlocks(t, sound)
	want, h := content(t, l, 1, 40), heads[1]
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openLog(t, rotten(t, sound, cold.PartKey(h.Last, 1)))
	end := l.Cold().Repairing()
	repaired := make(chan error, 1)
	go func() {
		found, more := l.Cold().Damaged()
		for len(found) == 0 {
			<-more
			found, more = l.Cold().Damaged()
		}
		repaired <- l.Cold().Restore(t.Context(), found[0].Last, want[h.First-1:h.Last], false)
	}()
	var got raft.Log
	err := l.LogStore().GetLog(h.First, &got)
	if err = errors.Join(err, <-repaired); err != nil || !bytes.Equal(got.Data, want[h.First-1].Data) {
		t.Errorf("%v", err)
	}
	end()
}

// What is damaged is told at once to who asks again, and others of the block are read.
func TestDamageIsRemembered(t *testing.T) {
	byItself(t)
	sound := vfs.NewMem()
	l, heads := largeBlocks(t, sound)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openLog(t, rotten(t, sound, cold.PartKey(heads[1].Last, 1)))
	count := func() (n int) { // what is read of the disk
		m := l.db.Metrics()
		return int(m.BlockCache.Misses)
	}
	first, err := l.Entry(heads[1].First)
	if !IsDamage(err) {
		t.Fatal(first, err)
	}
	before := count()
	for i := heads[1].First; i <= heads[1].Last; i++ {
		if _, again := l.Entry(i); !IsDamage(again) {
			t.Errorf("entry %d: %v", i, again)
		}
	}
	// Pebble itself reads a little meanwhile.
	if n, asked := count()-before, int(heads[1].Last-heads[1].First); n >= asked {
		t.Errorf("the damage was looked for %d times more by %d readers", n, asked)
	}
	some := 0
	for channel := range 3 {
		x := NewExcerpt(l, Select(fmt.Sprintf("chan.%d", channel)))
		for i := heads[1].First; i <= heads[1].Last; i++ {
			if b, err := x.Batch(i); err == nil && len(b.Runs) > 0 {
				some++
			}
		}
	}
	if n := int(heads[1].Last - heads[1].First); some == 0 || some > n {
		t.Errorf("%d of %d entries are read", some, n)
	}
}

// TestCrashInRestore takes the power away before each thing that is done to the disk while a block is restored. What is
// there then is the damage that was known or a sound block; the rest of the log is whole, and the block restorable.
func TestCrashInRestore(t *testing.T) {
	byItself(t)
	sound := vfs.NewMem()
	l, heads := largeBlocks(t, sound)
	want, h := content(t, l, 1, 40), heads[1]
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	fs, rng := rotten(t, sound, cold.PartKey(h.Last, 1)), rand.New(rand.NewPCG(3, 3))
	var clones []*vfs.MemFS
	var mu sync.Mutex
	restoring := false
	crash := errorfs.InjectorFunc(func(op errorfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if restoring && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			kept := []int{0, 50, 100}[rng.IntN(3)]
			clones = append(clones, fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: rng}))
		}
		return nil
	})
	l, err := Open(testConfig(errorfs.Wrap(fs, crash)))
	if err != nil {
		t.Fatal(err)
	}
	set := func(on bool) {
		mu.Lock()
		defer mu.Unlock()
		restoring = on
	}
	set(true)
	if err := l.Cold().Restore(t.Context(), h.Last, want[h.First-1:h.Last], false); err != nil {
		t.Fatal(err)
	}
	set(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	clones = append(clones, fs.CrashClone(vfs.CrashCloneCfg{}))
	before, after := 0, 0
	for n, clone := range clones {
		l := openLog(t, clone)
		damaged := 0
		for i := uint64(1); i <= 40; i++ {
			switch e, err := l.Entry(i); {
			case err != nil && IsDamage(err) && h.Holds(i):
				damaged++
			case err != nil || !bytes.Equal(e.Data, want[i-1].Data) || e.Term != want[i-1].Term:
				t.Fatalf("crash %d: entry %d: %v", n, i, err)
			}
		}
		if damaged > 0 {
			before++
			if err := l.Cold().Restore(t.Context(), h.Last, want[h.First-1:h.Last], false); err != nil {
				t.Fatalf("crash %d: %v", n, err)
			}
		} else {
			after++
		}
		verify(t, l)
		if names, err := clone.List("log"); err != nil || slices.Contains(names, "mend.tmp") {
			t.Errorf("crash %d: a table is left: %v", n, err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d crashes before, %d after", before, after)
	if before < 5 || after < 1 {
		t.Errorf("%d crashes left the damage, %d a sound block", before, after)
	}
}

// What a block is made of has to be proven: by its checksum, or because somebody vouches for it.
func TestRestoreRefusesWhatIsNotProven(t *testing.T) {
	byItself(t)
	l := randomLog(t, vfs.NewMem(), 9, 60)
	pack(t, l, 50)
	want := content(t, l, 1, 60)
	h, err := l.db.blocks().Last()
	v, errPart := l.db.get(cold.PartKey(h.Last, 0))
	v[100] ^= 1
	if err := errors.Join(err, errPart, l.db.Set(cold.PartKey(h.Last, 0), v, pebble.Sync)); err != nil {
		t.Fatal(err)
	}
	l.db.cache.Forget()
	for name, change := range map[string]func(all []Stored) []Stored{
		"other data":   func(all []Stored) []Stored { all[7].Data = want[8].Data; return all },
		"other term":   func(all []Stored) []Stored { all[0].Term = 0; return all },
		"one hidden":   func(all []Stored) []Stored { all[first(all)].Hidden = !all[first(all)].Hidden; return all },
		"one missing":  func(all []Stored) []Stored { return slices.Delete(all, 20, 21) },
		"too few":      func(all []Stored) []Stored { return all[:len(all)-1] },
		"nothing":      func([]Stored) []Stored { return nil },
		"of elsewhere": func([]Stored) []Stored { return slices.Clone(want[3:52]) },
	} {
		if err := l.Cold().Restore(t.Context(), h.Last, change(slices.Clone(want[:49])), false); err == nil {
			t.Errorf("%s: it was restored", name)
		}
	}
	if _, err := l.Entry(5); !IsDamage(err) {
		t.Error(err)
	}
	other := h
	other.Sum++ // as of a program that packs in another way
	if err := l.db.Set(cold.Key(cold.SpanHead, h.Last), other.Encode(), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	if err := l.Cold().Restore(t.Context(), h.Last, want[:49], false); !errors.Is(err, ErrUnproven) {
		t.Errorf("a block with another checksum: %v", err)
	}
	if err := l.Cold().Restore(t.Context(), h.Last, want[:49], true); err != nil {
		t.Error(err)
	}
	if got := content(t, l, 1, 60); !reflect.DeepEqual(got, want) {
		t.Error("the log says something else")
	}
	verify(t, l)
}

// first is the first batch.
func first(all []Stored) int {
	return slices.IndexFunc(all, func(s Stored) bool { return len(s.Data) > 0 && s.Data[0] == byte(entry.KindBatch) })
}
