package eventlog

import (
	"fmt"
	"syscall"
	"testing"
	"time"
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
