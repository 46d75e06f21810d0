package traffic

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
)

// benchBatch is a batch of 256 KiB: runs of a few messages of 400 bytes from a hundred sensors of ten users on four
// channels.
func benchBatch(seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 0))
	var b entry.Builder
	for b.Size() < 256<<10 {
		key, n := rng.Uint64N(100), 1+rng.IntN(6)
		var frames []byte
		for range n {
			f := make([]byte, 400)
			f[2], f[3], f[4] = 1, 0x90, 3
			frames = append(frames, f...)
		}
		b.Add(fmt.Sprintf("channel.%d", rng.IntN(4)), key, key/10, 1_700_000_000_000+rng.Int64N(3), netip.Addr{}, frames, n)
	}
	return b.Encode([16]byte{1}, seed)
}

// BenchmarkCountBatch is what the projection of channels costs for a batch of 256 KiB, beside the apply. Its parts:
// reading the entry and its table, adding up, and the share of a sealed segment.
func BenchmarkCountBatch(b *testing.B) {
	const batches = 2048 // two segments
	l := newLog(b)
	for range batches {
		l.batch(benchBatch(1))
	}
	b.ResetTimer()
	for i := 0; i < b.N; i += batches {
		b.StopTimer()
		tx := l.BeginUpdate()
		tx.DeleteRange(eventlog.SpaceChannels, nil, nil)
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := New(l.Log, DefaultLimits()).catchUp(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
