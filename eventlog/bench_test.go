package eventlog

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"hpfriends/eventlog/entry"
	"hpfriends/eventlog/layout"
	"hpfriends/internal/payload"
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

// BenchmarkDigestOfSingles hashes entries of one message each. It is by processor time.
func BenchmarkDigestOfSingles(b *testing.B) {
	const n = 60_000
	l := coldBench(b, n, 1)
	view, err := l.View()
	if err != nil {
		b.Fatal(err)
	}
	defer view.Close()
	begin := processorTime(b)
	for b.Loop() {
		if _, err := view.Digest(b.Context(), 1, n); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*n/(processorTime(b)-begin).Seconds(), "entries/cpu-s")
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

// coldBench is a log of n JSON messages of 400 bytes on 200 channels of 10 users, so many in a batch, scattered.
func coldBench(b *testing.B, n, inBatch int) *Log {
	b.Helper()
	l := benchDisk(b)
	fillScattered(b, l, n, inBatch)
	return l
}

// fillScattered fills a log with batches whose messages are of 200 channels of ten users, in turn.
func fillScattered(b *testing.B, l *Log, n, inBatch int) {
	b.Helper()
	payloads := payload.Honeypot(n, 400)
	var builder entry.Builder
	var logs []*raft.Log
	for i := 0; i < n; {
		builder.Reset()
		for range inBatch {
			channel, user := fmt.Sprintf("sensor.%d", i%200), uint64(i/200%10)
			f := publish(fmt.Sprintf("key%d", user), channel, len(payloads[i]), 0)
			copy(f[len(f)-len(payloads[i]):], payloads[i])
			builder.Add(channel, user, user, 1700000000000+int64(i)/2, netip.AddrFrom4([4]byte{10, 0, 0, byte(user)}), f, 1)
			i++
		}
		last, _ := l.Last()
		logs = append(logs, command(last+uint64(len(logs))+1, 1, builder.Encode([16]byte{1}, uint64(i)*5)))
		if len(logs) == 500 || i >= n {
			storeLogs(b, l, logs...)
			logs = logs[:0]
			last, _ = l.Last()
			apply(b, l, last)
		}
	}
	if err := l.db.Flush(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkCold reads one channel of 200 whose messages are scattered, and everything, before and after the log is in
// blocks, and says what the log takes then.
func BenchmarkCold(b *testing.B) {
	for _, inBatch := range []int{1, 1000} {
		const n = 60_000
		l := coldBench(b, n, inBatch)
		for _, state := range []string{"hot", "cold"} {
			if state == "cold" {
				begin := time.Now()
				if _, err := l.Cold().PackAll(b.Context(), Packing{Before: l.Applied()}, nil); err != nil {
					b.Fatal(err)
				}
				packed := float64(n) * 400 / 1e6 / time.Since(begin).Seconds()
				_, stored, err := l.Cold().Stored()
				if err != nil {
					b.Fatal(err)
				}
				b.Logf("%d in a batch: %.1f MB/s are packed, blocks and their keys take %.4f of the payloads, tables %.4f", inBatch,
					packed, float64(stored)/400/n, float64(l.db.Metrics().Total().TablesSize)/400/n)
			}
			l.tail.forget(l.Applied() + 1)
			for name, sel := range map[string]Selector{"channel": Select("sensor.7"), "everything": Select("*")} {
				b.Run(fmt.Sprintf("%s/%s/%d-in-a-batch", name, state, inBatch), func(b *testing.B) {
					messages := 0
					for b.Loop() {
						l.db.cache.Forget()
						messages += readAll(b, l, sel)
					}
					b.ReportMetric(float64(messages)/b.Elapsed().Seconds(), "messages/s")
				})
			}
		}
	}
}

// readAll reads what is selected as a replay does, and counts it.
func readAll(b *testing.B, l *Log, sel Selector) (messages int) {
	x, at := NewExcerpt(l, sel), uint64(1)
	for {
		found, err := l.Next(sel, at, 64)
		if err != nil {
			b.Fatal(err)
		}
		if len(found) == 0 {
			return messages
		}
		for _, i := range found {
			batch, err := x.Batch(i)
			if err != nil {
				b.Fatal(err)
			}
			for j := range batch.Runs {
				if sel.selects(layout.Series{Channel: batch.Runs[j].Channel, Origin: batch.Runs[j].Origin}) {
					messages += int(batch.Runs[j].Count)
				}
			}
		}
		at = found[len(found)-1] + 1
	}
}
