package traffic

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
)

// testLog is a log in memory, written by hand.
type testLog struct {
	*eventlog.Log
	t     testing.TB
	index uint64
}

func newLog(t testing.TB) *testLog {
	t.Helper()
	log, err := eventlog.Open(eventlog.Config{Dir: "log", FS: vfs.NewMem(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return &testLog{Log: log, t: t}
}

// entry appends an entry and applies it.
func (l *testLog) entry(data []byte, apply func(*eventlog.Tx)) {
	l.t.Helper()
	l.index++
	entry := &raft.Log{Index: l.index, Term: 1, Type: raft.LogCommand, Data: data}
	if err := l.LogStore().StoreLogs([]*raft.Log{entry}); err != nil {
		l.t.Fatal(err)
	}
	tx := l.Begin()
	apply(tx)
	if err := tx.Commit(l.index); err != nil {
		l.t.Fatal(err)
	}
}

func (l *testLog) change() { l.entry([]byte{byte(entry.KindChange)}, func(*eventlog.Tx) {}) }

func (l *testLog) batch(data []byte) {
	l.t.Helper()
	h, err := entry.DecodeHeader(data)
	if err != nil {
		l.t.Fatal(err)
	}
	l.entry(data, func(tx *eventlog.Tx) { tx.IndexBatch(l.index, h) })
}

// publish appends a batch of one message.
func (l *testLog) publish(channel string, origin uint64) {
	l.t.Helper()
	var b entry.Builder
	b.Add(channel, 1, origin, time.Now().UnixMilli(), netip.Addr{}, []byte{0, 0, 0, 5, 3}, 1)
	l.batch(b.Encode([16]byte{1}, l.index+1))
}

// What a share shows begins with a segment, so to count it nothing is read from the log. (It would be right without,
// but cost up to a segment for each share.)
func TestWhatAShareShowsIsCountedWithoutReading(t *testing.T) {
	l := newLog(t)
	for range 5 {
		l.publish("c", 1)
	}
	l.change() // a share
	share := l.index
	l.publish("c", 1)
	l.change() // its acceptance
	l.publish("c", 1)
	p, rows := New(l.Log, DefaultLimits()), 0
	counter := p.Counter("c")
	err := p.Rows(t.Context(), Exactly("c"), Asked{}, func(r Row) error {
		rows++
		first := eventlog.Position{Index: share + 1}
		if s, err := counter.Since(r, share); err != nil || s.Messages != 2 || s.First.Position != first {
			t.Errorf("%+v, %v, want 2 messages from %s", s, err, first)
		}
		return nil
	})
	if err != nil || rows != 1 || len(counter.parts) != 0 {
		t.Errorf("%d rows, %v; parts of the log were read: %v", rows, err, counter.parts)
	}
}

// Run follows the log by itself, so that whoever asks finds it counted.
func TestRunFollowsTheLog(t *testing.T) {
	l := newLog(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- New(l.Log, DefaultLimits()).Run(ctx) }()
	l.publish("c", 1)
	l.change() // ends the segment
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		if at, err := cursor(l.Log); err != nil || at.counted == l.index-1 {
			if err != nil {
				t.Error(err)
			}
			break
		}
		if time.Since(begin) > 20*time.Second {
			t.Fatal("nothing is counted")
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
