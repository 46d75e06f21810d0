package eventlog

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog/entry"
)

// TestPackedSpaceIsBack packs a log on a real directory and looks at the disk at once: what it took is there again.
func TestPackedSpaceIsBack(t *testing.T) {
	byItself(t)
	l, dir := openOnDisk(t)
	const size = 2 << 10
	entries := uint64(times(20_000))
	// Always the same message, which a block has once: packing takes little time.
	message, rng := publish("key", "c", size, 0), rand.New(rand.NewPCG(1, 1))
	for i := range message[len(message)-size:] {
		message[len(message)-size+i] = byte(rng.Uint32())
	}
	var logs []*raft.Log
	for i := uint64(1); i <= entries; i++ {
		var b entry.Builder
		b.Add("c", 1, 2, 1700000000000+int64(i), netip.Addr{}, message, 1)
		if logs = append(logs, command(i, 1, b.Encode([16]byte{1}, 5*i))); len(logs) == 500 || i == entries {
			storeLogs(t, l, logs...)
			apply(t, l, i)
			logs = nil
		}
	}
	if err := l.db.Flush(); err != nil {
		t.Fatal(err)
	}
	before, _ := directoryBytes(t, dir)
	if _, err := l.Cold().PackAll(t.Context(), Packing{Before: entries}, nil); err != nil {
		t.Fatal(err)
	}
	if after, _ := directoryBytes(t, dir); before < int64(entries)*size || after > before/4 {
		t.Errorf("tables of %d bytes take %d when they are packed, want a quarter at most", before, after)
	}
}
