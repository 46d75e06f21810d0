package eventlog

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// BenchmarkScattered reads channels of 200 out of many blocks, each by a reader of its own, one after the other: their
// messages are scattered, so that each reader needs a little of every block. It is by processor time, which others do
// not change.
func BenchmarkScattered(b *testing.B) {
	const n, channels = 1_000_000, 8
	l := coldBench(b, n, 1000)
	if _, err := l.Cold().PackAll(b.Context(), Packing{Before: l.Applied()}, nil); err != nil {
		b.Fatal(err)
	}
	l.tail.forget(l.Applied() + 1)
	blocks, _, err := l.Cold().Stored()
	if err != nil {
		b.Fatal(err)
	}
	l.db.cache.Forget()
	messages, begin := 0, processorTime(b)
	for b.Loop() {
		for i := range channels {
			messages += readAll(b, l, Select(fmt.Sprintf("sensor.%d", 25*i)))
		}
	}
	b.ReportMetric(float64(messages)/(processorTime(b)-begin).Seconds(), "messages/cpu-s")
	b.ReportMetric(float64(blocks), "blocks")
}

// processorTime is what this process has taken so far.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkFirstOfManyBlocks finds and reads the first batch from any time on, of one channel of 200 and of all, in a
// log of thousands of blocks, which are small: what it costs to find one does not depend on their size.
func BenchmarkFirstOfManyBlocks(b *testing.B) {
	const blocks, entries, messages = 5000, 2, 20
	l := openLog(b, vfs.NewMem())
	fillScattered(b, l, blocks*entries*messages, messages)
	for i := range uint64(blocks) {
		if _, err := l.Cold().Pack(b.Context(), Packing{Before: 1 + entries*(i+1)}); err != nil {
			b.Fatal(err)
		}
		if i%32 == 0 { // as it comes by itself where blocks are large; else Pebble goes through all that was deleted
			if err := l.db.Flush(); err != nil {
				b.Fatal(err)
			}
		}
	}
	l.tail.forget(l.Applied() + 1)
	l.db.cache.Forget()
	made, _, err := l.Cold().Stored()
	if err != nil {
		b.Fatal(err)
	}
	for _, pattern := range []string{"sensor.7", "*"} {
		b.Run(pattern, func(b *testing.B) {
			var took []time.Duration
			begin := processorTime(b)
			for b.Loop() {
				start := time.Now()
				at, err := l.PositionAt(time.UnixMilli(1700000000000 + rand.Int64N(blocks*entries*messages/2)))
				if err != nil {
					b.Fatal(err)
				}
				found, err := l.Next(Select(pattern), at.Index, 64)
				if err == nil && len(found) > 0 {
					_, err = NewExcerpt(l, Select(pattern)).Batch(found[0])
				}
				if err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric((processorTime(b)-begin).Seconds()*1000/float64(len(took)), "cpu-ms/op")
			b.ReportMetric(took[len(took)/2].Seconds()*1000, "p50-ms")
			b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
			b.ReportMetric(took[len(took)-1].Seconds()*1000, "worst-ms")
			b.ReportMetric(float64(made), "blocks")
		})
	}
}
