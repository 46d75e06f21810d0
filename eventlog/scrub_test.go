package eventlog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"hpfriends/eventlog/entry"
	"hpfriends/eventlog/layout"
)

// scrubAll scrubs in pieces of about budget bytes and returns everything that was found.
func scrubAll(t *testing.T, l *Log, budget int64) (found []error, bytes int64) {
	t.Helper()
	var from []byte
	for range 100_000 {
		p, err := l.Scrub(t.Context(), from, budget)
		if err != nil && !IsDamage(err) {
			t.Fatalf("scrub from %x: %v", from, err)
		}
		if err != nil {
			found = append(found, err)
		}
		if bytes += p.Bytes; p.Next == nil {
			return found, bytes
		}
		if from != nil && string(p.Next) <= string(from) {
			t.Fatalf("scrub from %x goes on at %x", from, p.Next)
		}
		from = p.Next
	}
	t.Fatal("scrubbing does not end")
	return nil, 0
}

// filled is a log of n batches, applied, flushed to tables.
func filled(t *testing.T, fs vfs.FS, n uint64, size int) *Log {
	t.Helper()
	l := openLog(t, fs)
	rng := rand.New(rand.NewPCG(n, 1))
	for i := uint64(1); i <= n; i++ {
		var b entry.Builder
		for _, channel := range []string{fmt.Sprintf("c%d", i%3), "all"} {
			b.Add(channel, 1, 2, int64(i)*1000, netip.Addr{}, randomFrame(rng, size), 1)
		}
		storeLogs(t, l, command(i, 1, b.Encode([16]byte{1}, i*5)))
	}
	apply(t, l, n)
	if err := l.db.Flush(); err != nil {
		t.Fatal(err)
	}
	return l
}

// TestScrubFindsWhatVerifyFinds breaks a sound store in each of its parts: both find it, whatever the pieces, and the
// scrub goes on behind it to the end.
func TestScrubFindsWhatVerifyFinds(t *testing.T) {
	byItself(t)
	const n = 30
	for name, c := range map[string]struct {
		breakIt func(t *testing.T, l *Log, b *pebble.Batch)
		index   uint64
		late    bool // Verify alone finds it
	}{
		"sound": {breakIt: func(*testing.T, *Log, *pebble.Batch) {}},
		"entry": {index: 7, breakIt: func(t *testing.T, l *Log, b *pebble.Batch) {
			v, err := l.db.get(layout.Indexed(layout.SpanEntry, 7))
			v[len(v)/2] ^= 1
			if err := errors.Join(err, b.Set(layout.Indexed(layout.SpanEntry, 7), v, nil)); err != nil {
				t.Fatal(err)
			}
		}},
		"missing entry": {index: 12, breakIt: func(_ *testing.T, _ *Log, b *pebble.Batch) {
			_ = b.Delete(layout.Indexed(layout.SpanEntry, 12), nil)
		}},
		"missing first": {index: 1, breakIt: func(_ *testing.T, _ *Log, b *pebble.Batch) {
			_ = b.Delete(layout.Indexed(layout.SpanEntry, 1), nil)
		}},
		"missing last": {index: n, breakIt: func(_ *testing.T, _ *Log, b *pebble.Batch) {
			_ = b.Delete(layout.Indexed(layout.SpanEntry, n), nil)
		}},
		"missing mark": {index: 9, breakIt: func(_ *testing.T, _ *Log, b *pebble.Batch) {
			_ = b.Delete(layout.Indexed(layout.SpanBatch, 9), nil)
		}},
		"missing index key": {index: 4, breakIt: func(_ *testing.T, _ *Log, b *pebble.Batch) {
			_ = b.Delete(layout.Series{Channel: "all", Origin: 2}.IndexKey(4), nil)
		}},
		"time falls": {index: 6, breakIt: func(_ *testing.T, _ *Log, b *pebble.Batch) {
			_ = b.Set(layout.Indexed(layout.SpanBatch, 5), append([]byte{0}, IndexKey(1<<50)...), nil)
		}},
		"index key of nothing": {index: n + 5, breakIt: func(_ *testing.T, _ *Log, b *pebble.Batch) {
			_ = b.Set(layout.Series{Channel: "all", Origin: 2}.IndexKey(n+5), nil, nil)
		}},
		"index key too many": {late: true, breakIt: func(_ *testing.T, _ *Log, b *pebble.Batch) {
			_ = b.Set(layout.Series{Channel: "c0", Origin: 2}.IndexKey(1), nil, nil)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			l := filled(t, vfs.NewMem(), n, 2000)
			b := l.db.NewBatch()
			c.breakIt(t, l, b)
			if err := b.Commit(pebble.Sync); err != nil {
				t.Fatal(err)
			}
			_, err := l.Verify(t.Context(), nil)
			if sound := c.index == 0 && !c.late; sound != (err == nil) || err != nil && !IsDamage(err) {
				t.Fatalf("verify: %v", err)
			}
			for _, budget := range []int64{1, 3000, 20_000, 1 << 30} {
				if name == "time falls" && budget == 1 {
					continue // times are compared within a piece
				}
				found, bytes := scrubAll(t, l, budget)
				if bytes < (n-1)*2*2000/2 {
					t.Fatalf("pieces of %d: only %d bytes were read", budget, bytes)
				}
				if c.index == 0 {
					if len(found) > 0 {
						t.Errorf("pieces of %d: %v", budget, found)
					}
					continue
				}
				elsewhere := name == "time falls" || name == "missing index key" || name == "missing mark"
				if len(found) == 0 || indexOf(found[0]) != c.index && !elsewhere {
					t.Errorf("pieces of %d: %v, want entry %d", budget, found, c.index)
				}
			}
		})
	}
}

func indexOf(err error) uint64 {
	var c *CorruptError
	var i *InconsistentError
	switch {
	case errors.As(err, &c):
		return c.Index
	case errors.As(err, &i):
		return i.Index
	}
	return 0
}

// TestScrubOfDamagedTableNamesThePlace flips a byte of a table: the scrub names the file and the byte, and reads the
// rest.
func TestScrubOfDamagedTableNamesThePlace(t *testing.T) {
	byItself(t)
	fs := vfs.NewMem()
	l := filled(t, fs, 40, 4000)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	path, offset := largestTable(t, fs), 30_000
	buf, err := fs.UnsafeGetFileDataBuffer(path)
	if err != nil {
		t.Fatal(err)
	}
	buf[offset] ^= 0x10
	l = openLog(t, fs)
	found, _ := scrubAll(t, l, 20_000)
	var c *CorruptError
	if len(found) == 0 || !errors.As(found[0], &c) || c.Where == nil {
		t.Fatalf("found %v", found)
	}
	if c.Where.File != path || c.Where.Byte != int64(offset) || c.Index == 0 {
		t.Errorf("entry %d, %+v: want byte %d of %s", c.Index, c.Where, offset, path)
	}
	if c.Where.Offset > uint64(offset) || c.Where.Offset+c.Where.Length < uint64(offset) {
		t.Errorf("the block [%d, %d) does not hold byte %d", c.Where.Offset, c.Where.Offset+c.Where.Length, offset)
	}
}

func largestTable(t *testing.T, fs vfs.FS) string {
	t.Helper()
	names, err := fs.List("log")
	if err != nil {
		t.Fatal(err)
	}
	path, most := "", int64(0)
	for _, n := range names {
		if info, err := fs.Stat(fs.PathJoin("log", n)); err == nil && len(n) > 4 && n[len(n)-4:] == ".sst" &&
			info.Size() > most {
			path, most = fs.PathJoin("log", n), info.Size()
		}
	}
	if most < 100_000 {
		t.Fatalf("the largest table has %d bytes", most)
	}
	return path
}
