package eventlog

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"hpfriends/eventlog/entry"
)

// sensorBatch is a batch of 256 KiB: runs of a few messages, as they come from a hundred sensors.
func sensorBatch() *entry.Builder {
	rng := rand.New(rand.NewPCG(1, 0))
	channels := []string{"cowrie.sessions", "dionaea.connections", "mwbinary.dionaea.sensorunique", "glastopf.events"}
	b := new(entry.Builder)
	for b.Size() < 256<<10 {
		key, channel := rng.Uint64N(100), channels[rng.IntN(len(channels))]
		n := 1 + rng.IntN(6)
		var frames []byte
		for range n {
			frames = append(frames, frame(200+rng.IntN(200), byte(key))...)
		}
		b.Add(channel, key, key/10, 1700000000000+rng.Int64N(3), netip.AddrFrom4([4]byte{10, 0, 0, byte(key)}), frames, n)
	}
	return b
}

// benchDisk opens a log on the real disk.
func benchDisk(b *testing.B) *Log {
	cfg := testConfig(nil)
	cfg.Dir, cfg.CacheBytes, cfg.TailBytes = b.TempDir(), 0, 0
	l, err := Open(cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	return l
}

// BenchmarkStoreLogs writes entries of 256 KiB, synced, to the real disk: one at a time and as a leader batches them.
func BenchmarkStoreLogs(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	data := randomFrame(rng, 256<<10)
	for _, n := range []int{1, 8} {
		b.Run(fmt.Sprintf("256KiBx%d", n), func(b *testing.B) {
			l := benchDisk(b)
			b.SetBytes(int64(n * len(data)))
			next := uint64(1)
			for b.Loop() {
				var logs []*raft.Log
				for range n {
					logs = append(logs, command(next, 1, data))
					next++
				}
				storeLogs(b, l, logs...)
			}
		})
	}
}

// BenchmarkDigest hashes entries of 256 KiB of messages, as nodes do to compare.
func BenchmarkDigest(b *testing.B) {
	l := benchDisk(b)
	builder := sensorBatch()
	const n = 256
	for i := range uint64(n) {
		data := builder.Encode([16]byte{1}, i+1)
		h, err := entry.DecodeHeader(data)
		if err != nil {
			b.Fatal(err)
		}
		storeLogs(b, l, command(i+1, 1, data))
		tx := l.Begin()
		tx.IndexBatch(i+1, h)
		if err := tx.Commit(i + 1); err != nil {
			b.Fatal(err)
		}
	}
	view, err := l.View()
	if err != nil {
		b.Fatal(err)
	}
	defer view.Close()
	b.SetBytes(int64(n * builder.Size()))
	for b.Loop() {
		if _, err := view.Digest(b.Context(), 1, n); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCommit is an apply: a batch of 256 KiB on four channels, its index keys and a projection.
func BenchmarkCommit(b *testing.B) {
	l := benchDisk(b)
	h, err := entry.DecodeHeader(sensorBatch().Encode([16]byte{1}, 1))
	if err != nil {
		b.Fatal(err)
	}
	var logs []*raft.Log
	const chunk = 10000
	next := uint64(1)
	for b.Loop() {
		if last, _ := l.Last(); next > last {
			b.StopTimer()
			logs = logs[:0]
			for i := range uint64(chunk) {
				logs = append(logs, command(next+i, 1, []byte{byte(entry.KindBatch)}))
			}
			storeLogs(b, l, logs...)
			b.StartTimer()
		}
		tx := l.Begin()
		tx.IndexBatch(next, h)
		tx.Put(SpaceSessions, h.Session[:], IndexKey(h.Seq))
		if err := tx.Commit(next); err != nil {
			b.Fatal(err)
		}
		next++
	}
}

// BenchmarkNext asks for the next 100 of one channel, of a prefix over 1,000 channels, and of all.
func BenchmarkNext(b *testing.B) {
	l := openLog(b, vfs.NewMem())
	rng := rand.New(rand.NewPCG(1, 1))
	const entries = 20000
	for i := uint64(1); i <= entries; i += 100 {
		var logs []*raft.Log
		for j := range uint64(100) {
			data := batchOf(1, noon, 1, fmt.Sprintf("busy.%d", rng.IntN(3)), fmt.Sprintf("many.%d", rng.IntN(1000)))
			logs = append(logs, command(i+j, 1, data))
		}
		storeLogs(b, l, logs...)
		apply(b, l, i+99)
	}
	for name, sel := range map[string]Selector{
		"exact": {Exact: []string{"busy.1"}}, "prefix1000": {Prefixes: []string{"many."}}, "all": {Prefixes: []string{""}},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if got, err := l.Next(sel, 1+rng.Uint64N(entries/2), 100); err != nil || len(got) != 100 {
					b.Fatal(len(got), err)
				}
			}
		})
	}
}

func BenchmarkGetLog(b *testing.B) {
	l := openLog(b, vfs.NewMem())
	storeLogs(b, l, command(1, 1, make([]byte, 256<<10)), command(2, 1, []byte{1}))
	b.Run("tail", func(b *testing.B) {
		var e raft.Log
		for b.Loop() {
			_ = l.LogStore().GetLog(2, &e)
		}
	})
	b.Run("disk", func(b *testing.B) {
		b.SetBytes(256 << 10)
		l.tail.forget(2)
		var e raft.Log
		for b.Loop() {
			_ = l.LogStore().GetLog(1, &e)
		}
	})
}
