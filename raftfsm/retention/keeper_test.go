package retention

import (
	"bytes"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
)

// A full disk is worse: when the oldest batch is damaged, so that nobody knows its age, what is too much still goes.
func TestDamagedBatchKeepsNothingForItsSize(t *testing.T) {
	log, err := eventlog.Open(eventlog.Config{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	var b entry.Builder
	b.Add("c", 1, 1, time.Now().Add(-2*time.Hour).UnixMilli(), netip.Addr{}, []byte("\x00\x00\x00\x0a\x03\x01i\x01cx"), 1)
	batch := b.Encode([16]byte{1}, 1)
	h, err := entry.DecodeHeader(batch)
	if err != nil {
		t.Fatal(err)
	}
	damaged := append(batch[:1:1], bytes.Repeat([]byte{0xff}, 256<<10)...)
	tx := log.Begin()
	for i := uint64(1); i <= 40; i++ {
		l := &raft.Log{Index: i, Term: 1, Data: damaged, AppendedAt: time.Now()}
		if err := log.LogStore().StoreLogs([]*raft.Log{l}); err != nil {
			t.Fatal(err)
		}
		tx.IndexBatch(i, h)
	}
	if err := tx.Commit(40); err != nil {
		t.Fatal(err)
	}
	if err := log.Checkpoints().Store(20, []byte("state")); err != nil {
		t.Fatal(err)
	}
	k := NewKeeper(Policy{Age: time.Hour, Size: 4 << 20}, log)
	e, err := k.Floor(Moment{Time: time.Now(), Trusted: true})
	if err == nil {
		t.Error("the damage is not told: this tests nothing")
	}
	if e == nil || e.Reason != entry.FloorBySize || e.Floor < 20 {
		t.Errorf("the floor to propose is %+v", e)
	}
}
