package server

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"hpfriends/api"
	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
)

// aged is a log of entries of so many bytes, each of them that old.
func aged(t *testing.T, size int, ages ...time.Duration) *eventlog.Log {
	log, err := eventlog.Open(eventlog.Config{Dir: "log", FS: vfs.NewMem(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	for i, age := range ages {
		frame := append(make([]byte, 4, size), "\x03\x01k\x01c"...)
		for len(frame) < size {
			frame = fmt.Appendf(frame, "%d", len(frame)*i)
		}
		binary.BigEndian.PutUint32(frame, uint32(len(frame)))
		var b entry.Builder
		b.Add("c", 1, 1, time.Now().Add(-age).UnixMilli(), netip.Addr{}, frame, 1)
		data, index := b.Encode([16]byte{1}, uint64(i)), uint64(i+1)
		err := log.LogStore().StoreLog(&raft.Log{Index: index, Term: 1, Type: raft.LogCommand, Data: data})
		if err != nil {
			t.Fatal(err)
		}
		h, err := entry.DecodeHeader(data)
		if err != nil {
			t.Fatal(err)
		}
		tx := log.Begin()
		tx.IndexBatch(index, h)
		if err := tx.Commit(index); err != nil {
			t.Fatal(err)
		}
	}
	return log
}

// By itself, what is old enough is packed when it fills a block; and what is a day old, when it is worth one.
func TestCompactorPacksWhatIsOld(t *testing.T) {
	const mib, hour = 1 << 20, time.Hour
	for name, tt := range map[string]struct {
		size int
		ages []time.Duration
		want uint64 // up to which entry
	}{
		"too young":            {3 * mib, []time.Duration{hour / 2, hour / 2, hour / 2, 0}, 0},
		"too little":           {mib, []time.Duration{3 * hour, 2 * hour, 0}, 0},
		"a block":              {3 * mib, []time.Duration{5 * hour, 4 * hour, 3 * hour, 2 * hour, 0}, 3},
		"little, and very old": {mib, []time.Duration{30 * hour, 29 * hour, 2 * hour, 0}, 2},
		"next to nothing":      {1000, []time.Duration{30 * hour, 29 * hour, 2 * hour, 0}, 0},
	} {
		log := aged(t, tt.size, tt.ages...)
		c := compactor{log: log, after: hour, slog: slog.New(slog.DiscardHandler)}
		c.passes(t.Context())
		if got := log.Cold().Ends(); got != tt.want {
			t.Errorf("%s: packed up to #%d, want #%d", name, got, tt.want)
		}
	}
}

// What is too little for a block is not read at each look.
func TestCompactorWaitsForMore(t *testing.T) {
	const mib, hour = 1 << 20, time.Hour
	log := aged(t, 3*mib, 5*hour, 4*hour, 0)
	c := compactor{log: log, after: hour, slog: slog.New(slog.DiscardHandler)}
	looks, ticks := 0, 200
	for range ticks {
		before := c.waits[0]
		if c.passes(t.Context()); before.due == 0 && c.waits[0].due > 0 {
			looks++
		}
	}
	if looks != 1 || log.Cold().Ends() != 0 {
		t.Errorf("%d looks at a log that does not grow, up to #%d in blocks", looks, log.Cold().Ends())
	}
	c.waits[0].before, looks = 0, 0 // as if it had grown
	for range ticks {
		if c.waits[0].due == 0 {
			looks++
			c.waits[0].before = 0
		}
		c.passes(t.Context())
	}
	if looks < 3 || looks > 12 {
		t.Errorf("%d looks in %d ticks at a log that grows slowly", looks, ticks)
	}
}

// Who asks for it has everything packed but the newest entry, and is told how far it is.
func TestCompactNow(t *testing.T) {
	log := aged(t, 1000, 0, 0, 0)
	told := 0
	c := compactor{log: log, slog: slog.New(slog.DiscardHandler)}
	r, err := c.all(t.Context(), func(p api.Progress) { told++ })
	if err != nil || r.Packed != 1 || r.Blocks != 1 || r.Before < 500 || r.After <= 0 || r.Until != "#3.0" || told != 1 {
		t.Errorf("%+v, %v, told %d times", r, err, told)
	}
	if r, err = c.all(t.Context(), func(api.Progress) {}); err != nil || r.Packed != 0 || r.Blocks != 1 {
		t.Errorf("again: %+v, %v", r, err)
	}
}
