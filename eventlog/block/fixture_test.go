package block

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"

	"hpfriends/eventlog/entry"
	"hpfriends/internal/payload"
)

// shape is what a stretch of a log looks like.
type shape struct {
	entries, channels, origins int
	messages                   int // of a batch, at most
	payloads                   [][]byte
	plain                      bool // batches only, none hidden
}

func frame(ident, channel string, payload []byte) []byte {
	f := append([]byte{0, 0, 0, 0, 3, byte(len(ident))}, ident...)
	f = append(append(f, byte(len(channel))), channel...)
	f = append(f, payload...)
	binary.BigEndian.PutUint32(f, uint32(len(f)))
	return f
}

// stretch makes entries from first on: mostly batches, some hidden, some of other kinds, some with odd bytes.
func (s shape) stretch(rng *rand.Rand, first uint64) []Entry {
	all := make([]Entry, s.entries)
	term, at := 1+rng.Uint64N(5), int64(1_800_000_000_000_000_000)
	for i := range all {
		term += rng.Uint64N(50) / 49
		at += rng.Int64N(2_000_000)
		e := Entry{Index: first + uint64(i), Term: term, Appended: at}
		switch kind := rng.IntN(40); {
		case s.plain:
			e.Data = s.batch(rng, uint64(i))
		case kind == 0:
			e.Type, e.Appended = 1, 0 // Raft's own
		case kind == 1:
			e.Data = []byte{200, byte(i), 0, 0xff}
			e.Extensions = []byte("extension")
		case kind == 2:
			e.Data = append(s.batch(rng, uint64(i)), 7) // a batch that cannot be decoded
		case kind == 3:
			e.Data, e.Hidden = s.batch(rng, uint64(i)), true
		default:
			e.Data = s.batch(rng, uint64(i))
		}
		all[i] = e
	}
	return all
}

func (s shape) batch(rng *rand.Rand, seq uint64) []byte {
	var b entry.Builder
	left := 1 + rng.IntN(s.messages)
	for left > 0 {
		origin, n := rng.IntN(s.origins), 1+rng.IntN(min(left, 4))
		channel, ident := fmt.Sprintf("sensor.%d", rng.IntN(s.channels)), fmt.Sprintf("ident-%d", origin)
		var frames []byte
		for range n {
			frames = append(frames, frame(ident, channel, s.payloads[rng.IntN(len(s.payloads))])...)
		}
		remote := netip.Addr{}
		if origin%3 != 0 {
			remote = netip.AddrFrom4([4]byte{192, 0, 2, byte(origin)})
		}
		t := 1_800_000_000_000 + int64(seq) - rng.Int64N(1000)
		b.Add(channel, uint64(origin)*7, uint64(origin), t, remote, frames, n)
		left -= n
	}
	return b.Encode([16]byte{byte(seq % 3)}, seq)
}

func encode(entries []Entry) []byte {
	var w Writer
	for _, e := range entries {
		w.Add(e)
	}
	return w.Encode()
}

var someMessages = payload.Honeypot(20_000, 300)
