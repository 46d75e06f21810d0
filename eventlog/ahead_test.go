package eventlog

import (
	"runtime"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hpfriends/eventlog/cold"
)

// someBlocks is a log of four blocks and a little more.
func someBlocks(t *testing.T) (l *Log, heads []cold.Head) {
	t.Helper()
	l = randomLog(t, vfs.NewMem(), 11, 100)
	for _, before := range []uint64{26, 51, 76, 96} {
		pack(t, l, before)
	}
	err := l.db.blocks().Each(1, func(h cold.Head) error { heads = append(heads, h); return nil })
	if err != nil || len(heads) < 4 {
		t.Fatalf("%d blocks, %v", len(heads), err)
	}
	return l, heads
}

// Who goes through the log finds the next block unpacked, once they have gone on from one to another. For who reads in
// one block no other is unpacked.
func TestBlocksAreReadAhead(t *testing.T) {
	byItself(t)
	if runtime.GOMAXPROCS(0) < 2 {
		t.Skip("one processor has better to do than to read ahead")
	}
	l, heads := someBlocks(t)
	l.db.cache.Forget()
	x := NewExcerpt(l, Select("*"))
	for i := heads[0].First; i <= heads[0].Last; i++ {
		_, _ = x.Batch(i) // it may be of another kind, or hidden
	}
	if _, ok := l.db.cache.Find(heads[1].First); ok {
		t.Error("a block was read ahead for who reads in one block")
	}
	_, _ = x.Batch(heads[1].First)
	there := func() bool { _, ok := l.db.cache.Find(heads[2].First); return ok }
	for range 5000 { // it ends by itself, beside us
		if there() {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if !there() {
		t.Error("the next block was not read ahead")
	}
	if _, ok := l.db.cache.Find(heads[3].First); ok {
		t.Error("the block behind the next was read ahead")
	}
}

// What is read ahead takes at most half of the budget while nobody has asked for it.
func TestReadingAheadIsBounded(t *testing.T) {
	byItself(t)
	if runtime.GOMAXPROCS(0) < 2 {
		t.Skip("one processor has better to do than to read ahead")
	}
	l, heads := someBlocks(t)
	blocks := l.db.blocks()
	ahead := func(budget int64) (n int) {
		cache := cold.NewCache(budget)
		if _, err := cache.Entries(blocks, &heads[0]); err != nil {
			t.Fatal(err)
		}
		for i := range heads[1:] {
			cache.Ahead(blocks, &heads[1+i])
			if _, ok := cache.Find(heads[1+i].First); ok {
				n++
			}
		}
		return n
	}
	if got := ahead(1 << 10); got != 0 {
		t.Errorf("%d blocks were read ahead where none has room", got)
	}
	if got := ahead(64 << 20); got != len(heads)-1 {
		t.Errorf("%d blocks were read ahead, there is room for %d", got, len(heads)-1)
	}
}
