package eventlog

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hpfriends/eventlog/entry"
	"hpfriends/eventlog/layout"
)

// wreck is a disk after a power loss, all of whose entries had been synced.
type wreck struct {
	fs   *vfs.MemFS
	want []sum // entry i+1
}

func newWreck(t *testing.T, sizes ...int) *wreck {
	fs := vfs.NewCrashableMem()
	l := openLog(t, fs)
	defer l.Close()
	rng := rand.New(rand.NewPCG(1, uint64(len(sizes))))
	w := &wreck{}
	for i, size := range sizes {
		data := make([]byte, size)
		for j := range data {
			data[j] = byte(rng.Uint32())
		}
		data[0] = byte(entry.KindChange)
		storeLogs(t, l, command(uint64(i)+1, 1, data))
		w.want = append(w.want, sumOf(1, data))
	}
	w.fs = fs.CrashClone(vfs.CrashCloneCfg{})
	return w
}

func (w *wreck) clone() *vfs.MemFS { return w.fs.CrashClone(vfs.CrashCloneCfg{}) }

// newestWAL returns the path of the newest WAL.
func newestWAL(t *testing.T, fs vfs.FS) string {
	t.Helper()
	names, err := fs.List("log")
	if err != nil {
		t.Fatal(err)
	}
	newest := ""
	for _, n := range names {
		if strings.HasSuffix(n, ".log") {
			newest = max(newest, n)
		}
	}
	return fs.PathJoin("log", newest)
}

func contents(t *testing.T, fs vfs.FS, path string) []byte {
	t.Helper()
	f, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func rewrite(t *testing.T, fs vfs.FS, path string, b []byte) {
	t.Helper()
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(slices.Clone(b)) // MemFS scribbles over what it was given, in builds with the race detector
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestTornTailKeepsTheRest cuts the newest WAL inside its last record: the entry of that record was never acknowledged,
// it may be there or not, and everything before it must be.
func TestTornTailKeepsTheRest(t *testing.T) {
	for _, c := range []struct{ last, stride int }{{300, 1}, {70 << 10, 1 + 70<<10/times(140)}} {
		before := newWreck(t, 100, 40<<10, 100)
		whole := newWreck(t, 100, 40<<10, 100, c.last)
		path := newestWAL(t, whole.fs)
		bytes := contents(t, whole.fs, path)
		start := len(contents(t, before.fs, newestWAL(t, before.fs)))
		if len(bytes)-start < c.last {
			t.Fatalf("the last record is in bytes %d to %d", start, len(bytes))
		}
		for cut := start; cut < len(bytes); cut += c.stride {
			fs := whole.clone()
			rewrite(t, fs, path, bytes[:cut])
			l, err := Open(testConfig(fs))
			if err != nil {
				t.Fatalf("cut at %d of %d: %v", cut, len(bytes), err)
			}
			last, _ := l.Last()
			if err := whole.lost(l, last); err != nil || last < 3 {
				t.Fatalf("cut at %d of %d: log ends at %d: %v", cut, len(bytes), last, err)
			}
			if err := l.CheckHighWater(3, 1); err != nil {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			if err := l.CheckHighWater(4, 1); errors.Is(err, ErrLogBehind) != (last < 4) {
				t.Fatalf("cut at %d: the log ends at %d, high water 4: %v", cut, last, err)
			}
			storeLogs(t, l, command(last+1, 2, []byte{byte(entry.KindChange)})) // it goes on
			verify(t, l)
			_ = l.Close()
		}
	}
}

// lost reports an entry up to index that is missing or other than it was.
func (w *wreck) lost(l *Log, index uint64) error {
	for i := uint64(1); i <= index; i++ {
		r, err := l.stored(i)
		if err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
		if sumOf(r.Term, r.Data) != w.want[i-1] {
			return fmt.Errorf("entry %d is another", i)
		}
	}
	return nil
}

// outcome is what came of flipping bits: how each damage was noticed.
type outcome struct{ refused, behind, harmless, silent int }

// flip opens the wreck with one bit flipped.
func (w *wreck) flip(t *testing.T, path string, offset int, bit uint, f *outcome) {
	fs := w.clone()
	buf, err := fs.UnsafeGetFileDataBuffer(path)
	if err != nil {
		t.Fatal(err)
	}
	buf[offset] ^= 1 << bit
	failed := false
	cfg := testConfig(fs)
	cfg.Fatal = func(error) { failed = true }
	opened := make(chan *Log, 1)
	go func() { // Open may end its goroutine through Fatal
		defer close(opened)
		if l, err := Open(cfg); err == nil {
			opened <- l
		}
	}()
	l := <-opened
	if l == nil || failed {
		f.refused++
		return
	}
	defer l.Close()
	high := uint64(len(w.want))
	loss := w.lost(l, high)
	switch behind := l.CheckHighWater(high, 1); {
	case behind != nil:
		if !errors.Is(behind, ErrLogBehind) {
			t.Fatalf("offset %d bit %d: %v", offset, bit, behind)
		}
		f.behind++
	case loss != nil:
		f.silent++
		t.Errorf("offset %d bit %d: silent loss below the high-water mark: %v", offset, bit, loss)
	default:
		f.harmless++
	}
}

// TestBitFlipInWALIsNeverSilent flips single bits all over the newest WAL. Pebble alone would open most of the logs
// with large entries as if nothing were missing (the control at the end); with the high-water mark nothing passes.
func TestBitFlipInWALIsNeverSilent(t *testing.T) {
	// Pebble searches a damaged chunk for the bit, which takes it a quarter of a second for a full one: few of the
	// large.
	for size, flips := range map[int]int{1 << 10: 300, 8 << 10: 180, 32 << 10: 8, 64 << 10: 8, 256 << 10: 8} {
		flips = times(flips)
		t.Run(fmt.Sprintf("%dKiB", size>>10), func(t *testing.T) {
			t.Parallel()
			sizes := make([]int, max(4, min(64, (1<<20)/size)))
			for i := range sizes {
				sizes[i] = size
			}
			w := newWreck(t, sizes...)
			path := newestWAL(t, w.fs)
			n := len(contents(t, w.fs, path))
			if n < 2*size {
				t.Fatalf("the newest WAL has only %d bytes", n)
			}
			var f outcome
			rng := rand.New(rand.NewPCG(uint64(size), 7))
			for i := range flips {
				offset := i*n/flips + rng.IntN(n/flips)
				w.flip(t, path, offset, uint(rng.IntN(8)), &f)
			}
			t.Logf("%d flips in %d bytes: open refused %d, high-water mark %d, harmless %d, silent %d",
				flips, n, f.refused, f.behind, f.harmless, f.silent)
			// The control: without the high-water mark these would have been losses that nobody notices.
			if size >= 64<<10 && f.behind == 0 {
				t.Error("Pebble found every flip by itself: the test no longer shows that the mark is needed")
			}
			if size <= 1<<10 && f.refused < flips/2 {
				t.Error("Pebble found few flips by itself: is the WAL written with sync chunks?")
			}
		})
	}
}

// TestFlippedRecordIsRefused flips each bit of a stored record: the checksum covers the key and all of the value.
func TestFlippedRecordIsRefused(t *testing.T) {
	r := layout.Record{Index: 7, Term: 3, Type: 0, Data: []byte{byte(entry.KindChange), 1, 2, 3}}
	r.Extensions = []byte("ext")
	good := make([]byte, r.Size())
	r.Encode(good)
	if got, err := layout.DecodeRecord(7, good); err != nil || got.Term != 3 || string(got.Data) != string(r.Data) {
		t.Fatalf("%+v, %v", got, err)
	}
	var corrupt *CorruptError
	if _, err := layout.DecodeRecord(8, good); !errors.As(err, &corrupt) {
		t.Fatalf("a record under another index: %v", err)
	}
	for bit := range len(good) * 8 {
		good[bit/8] ^= 1 << (bit % 8)
		if _, err := layout.DecodeRecord(7, good); !errors.As(err, &corrupt) {
			t.Fatalf("bit %d: %v", bit, err)
		}
		good[bit/8] ^= 1 << (bit % 8)
	}
	for n := range good {
		if _, err := layout.DecodeRecord(7, good[:n]); !errors.As(err, &corrupt) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
}

// TestDamagedTableIsReported flips bits of tables: a reader gets an error or the right bytes, and Verify finds the
// damage in entries. (Raft's own reads end the process, see TestDamagedEntryEndsRaft.)
func TestDamagedTableIsReported(t *testing.T) {
	byItself(t)
	fs := vfs.NewMem()
	l := openLog(t, fs)
	w := &wreck{}
	rng := rand.New(rand.NewPCG(1, 1))
	for i := uint64(1); i <= 40; i++ {
		var b entry.Builder
		b.Add(fmt.Sprintf("c%d", i%3), 1, 1, 1, netip.Addr{}, randomFrame(rng, 4000), 1)
		data := b.Encode([16]byte{}, 1)
		storeLogs(t, l, command(i, 1, data))
		w.want = append(w.want, sumOf(1, data))
	}
	apply(t, l, 40)
	if err := errors.Join(l.db.Flush(), l.Close()); err != nil {
		t.Fatal(err)
	}
	names, err := fs.List("log")
	if err != nil {
		t.Fatal(err)
	}
	noticed, flipped := 0, 0
	for _, name := range names {
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		path := fs.PathJoin("log", name)
		for offset := 100; offset < len(contents(t, fs, path)); offset += 997 * 500 / times(500) {
			flipped++
			noticed += w.flipTable(t, fs, path, offset)
		}
	}
	if flipped < times(150) || noticed < flipped*3/4 {
		t.Fatalf("%d of %d flips were noticed", noticed, flipped)
	}
	t.Logf("%d of %d flips were noticed, the others changed nothing", noticed, flipped)
}

func (w *wreck) flipTable(t *testing.T, sound vfs.FS, path string, offset int) (noticed int) {
	fs := vfs.NewMem()
	if ok, err := vfs.Clone(sound, fs, "log", "log"); !ok || err != nil {
		t.Fatalf("clone: %t, %v", ok, err)
	}
	buf, err := fs.UnsafeGetFileDataBuffer(path)
	if err != nil {
		t.Fatal(err)
	}
	buf[offset] ^= 4
	l, err := Open(testConfig(fs))
	if err != nil {
		return 1
	}
	defer l.Close()
	for i, want := range w.want {
		e, err := l.Entry(uint64(i) + 1)
		if err != nil {
			noticed = 1
		} else if sumOf(e.Term, e.Data) != want {
			t.Errorf("%s offset %d: entry %d was served with other bytes", path, offset, i+1)
		}
	}
	if _, err := l.Verify(t.Context(), nil); err != nil {
		return 1
	} else if noticed > 0 {
		t.Errorf("%s offset %d: a reader saw the damage, Verify did not", path, offset)
	}
	return noticed
}
