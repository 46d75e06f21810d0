package entry

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"time"
)

var session = [16]byte{1, 2, 3}

// frame is a PUBLISH frame with n bytes behind the header.
func frame(n int, fill byte) []byte {
	f := make([]byte, 5+n)
	binary.BigEndian.PutUint32(f, uint32(len(f)))
	f[4] = 3
	for i := range f[5:] {
		f[5+i] = fill + byte(i%7)
	}
	return f
}

func randomFrame(rng *rand.Rand, n int) []byte {
	f := frame(n, 0)
	for i := range f[5:] {
		f[5+i] = byte(rng.Uint32())
	}
	return f
}

// batchOf encodes one message on each channel.
func batchOf(seq uint64, t time.Time, size int, channels ...string) []byte {
	var b Builder
	for i, c := range channels {
		b.Add(c, 1, 2, t.UnixMilli(), netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), frame(size, byte(seq)), 1)
	}
	return b.Encode([16]byte{1}, seq)
}

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
