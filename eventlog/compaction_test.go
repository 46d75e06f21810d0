package eventlog

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestDamagedTablesAreNotCompactedInALoop damages a table that the next compactions need, and then one of level 0, of
// which Pebble begins a compaction as soon as the one before has failed: it may do so now and then.
func TestDamagedTablesAreNotCompactedInALoop(t *testing.T) {
	byItself(t)
	fs := vfs.NewMem()
	l := openLog(t, fs)
	rng, next := rand.New(rand.NewPCG(1, 1)), uint64(1)
	write := func(tables, entries int) {
		for range tables {
			for range entries {
				storeLogs(t, l, command(next, 1, incompressible(rng, next, int64(next), 8<<10, "c")))
				apply(t, l, next)
				next++
			}
			if err := l.db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	failed := func() int64 { return l.db.Metrics().Compact.FailedCount }
	until := func(what string, holds func() bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: %s", what, l.db.Metrics())
			}
		}
	}
	rot := func(index uint64) {
		t.Helper()
		until("compactions do not end", func() bool {
			m := l.db.Metrics()
			return m.Compact.NumInProgress == 0 && m.Table.ObsoleteCount == 0 && m.Table.ZombieCount == 0
		})
		flipOnDisk(t, l, fs, markKey(index))
		for i := uint64(1); i < next; i++ { // more than Pebble's cache holds
			_, _ = l.db.entry(i)
		}
		if _, err := l.db.get(markKey(index)); !IsDamage(err) {
			t.Fatalf("the mark of entry %d: %v", index, err)
		}
	}
	write(1, 400)
	until("the first table stays in level 0", func() bool { return l.db.Metrics().Levels[0].TablesCount == 0 })
	rot(7)
	write(12, 20)
	until("no compaction needs what is damaged", func() bool { return failed() > 0 })
	rot(next - 3)
	write(12, 20)
	until("no compaction needs what is damaged in level 0", func() bool { return failed() > 1 })
	const seconds = 2
	before := failed()
	time.Sleep(seconds * time.Second)
	if n := failed() - before; n > 50*seconds {
		t.Errorf("%d compactions failed in %d s", n, seconds)
	}
}
