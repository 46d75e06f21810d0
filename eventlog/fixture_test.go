package eventlog

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"hpfriends/eventlog/cold"
	"hpfriends/eventlog/entry"
	"hpfriends/eventlog/layout"
)

// testConfig fails loudly: a test that expects a failure sets its own Fatal.
func testConfig(fs vfs.FS) Config {
	return Config{
		Dir: "log", FS: fs, CacheBytes: 1 << 20, TailBytes: 256 << 10,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Fatal:  func(err error) { panic(fmt.Sprintf("the log failed: %v", err)) },
	}
}

// tb is what testing.TB and *rapid.T have in common.
type tb interface {
	Helper()
	Fatalf(format string, args ...any)
}

// times is how often a test repeats its random part: n by default, ten times that with EVENTLOG_LONG set, little under
// the race detector and with -short.
func times(n int) int {
	switch {
	case os.Getenv("EVENTLOG_LONG") != "":
		return 10 * n
	case raceEnabled || testing.Short():
		return max(2, n/16)
	}
	return n
}

func openLog(t testing.TB, fs vfs.FS) *Log {
	t.Helper()
	l, err := Open(testConfig(fs))
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func reopenLog(t testing.TB, l *Log, fs vfs.FS) *Log {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	return openLog(t, fs)
}

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

func seriesOf(channel string, origin uint64) layout.Series {
	return layout.Series{Channel: channel, Origin: origin}
}

func markKey(index uint64) []byte { return layout.Indexed(layout.SpanBatch, index) }

// publish is a whole PUBLISH frame with a payload of n bytes.
func publish(ident, channel string, n int, fill byte) []byte {
	head := append([]byte{byte(len(ident))}, ident...)
	head = append(append(head, byte(len(channel))), channel...)
	f := frame(len(head)+n, fill)
	copy(f[5:], head)
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
	var b entry.Builder
	for i, c := range channels {
		b.Add(c, 1, 2, t.UnixMilli(), netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), frame(size, byte(seq)), 1)
	}
	return b.Encode([16]byte{1}, seq)
}

// command is an entry as Raft makes it.
func command(index, term uint64, data []byte) *raft.Log {
	return &raft.Log{
		Index: index, Term: term, Type: raft.LogCommand, Data: data, AppendedAt: time.Unix(1700000000, int64(index)),
	}
}

func storeLogs(t tb, l *Log, entries ...*raft.Log) {
	t.Helper()
	if err := l.LogStore().StoreLogs(entries); err != nil {
		t.Fatalf("store: %v", err)
	}
}

// chainKey holds a hash over all applied entries: it proves that a projection is that of exactly the entries up to
// applied.
var chainKey = []byte("chain")

func chain(before, data []byte) []byte {
	h := fnv.New128a()
	h.Write(before)
	h.Write(data)
	return h.Sum(nil)
}

// hides is the test FSM's idea of a repetition.
func hides(h entry.Header) bool { return h.Seq%5 == 4 }

// apply applies the entries after Applied up to index, in one Tx, as a real FSM does.
func apply(t tb, l *Log, index uint64) {
	t.Helper()
	before, err := l.Get(SpaceMeta, chainKey)
	if err != nil && err != ErrNotFound {
		t.Fatalf("chain: %v", err)
	}
	tx := l.Begin()
	for i := l.Applied() + 1; i <= index; i++ {
		var e raft.Log
		if err := l.LogStore().GetLog(i, &e); err != nil {
			t.Fatalf("entry %d to apply: %v", i, err)
		}
		before = chain(before, e.Data)
		if e.Type != raft.LogCommand || len(e.Data) == 0 || entry.Kind(e.Data[0]) != entry.KindBatch {
			continue
		}
		h, err := entry.DecodeHeader(e.Data)
		if err != nil {
			t.Fatalf("entry %d: %v", i, err)
		}
		if hides(h) {
			tx.HideBatch(i)
		} else {
			tx.IndexBatch(i, h)
		}
	}
	tx.Put(SpaceMeta, chainKey, before)
	if err := tx.Commit(index); err != nil {
		t.Fatalf("commit %d: %v", index, err)
	}
}

// byItself is for tests that make their blocks themselves, or look at the keys of entries that no block holds.
func byItself(t *testing.T) {
	t.Helper()
	if cold.PacksSoon {
		t.Skip("it says itself what is in blocks")
	}
}

// pack puts what is applied before an entry into blocks.
func pack(t tb, l *Log, before uint64) {
	t.Helper()
	for {
		p, err := l.Cold().Pack(context.Background(), Packing{Before: before})
		if err != nil {
			t.Fatalf("pack: %v", err)
		}
		if p.First == 0 {
			return
		}
		l.tail.forget(p.Last + 1)
	}
}

func verify(t tb, l *Log) Summary {
	t.Helper()
	s, err := l.Verify(context.Background(), nil)
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	return s
}

// randomData is a batch, a graph change, or something small.
func randomData(rng *rand.Rand, index uint64, size int) []byte {
	switch rng.IntN(8) {
	case 0:
		return append([]byte{byte(entry.KindChange)}, fmt.Sprintf("change %d %d", index, rng.Uint32())...)
	case 1:
		return append([]byte{byte(entry.KindReport)}, fmt.Sprintf("report %d %d", index, rng.Uint32())...)
	}
	var b entry.Builder
	for range 1 + rng.IntN(4) {
		channel := fmt.Sprintf("chan.%d", rng.IntN(6))
		f := publish("sensor", channel, rng.IntN(size+1), byte(rng.Uint32()))
		if rng.IntN(16) == 0 { // no session sends it: a block keeps its batch as it is
			f = frame(rng.IntN(size+1), byte(rng.Uint32()))
		}
		b.Add(channel, rng.Uint64N(3), rng.Uint64N(3), 1700000000000+int64(index)*10-rng.Int64N(50), netip.Addr{}, f, 1)
	}
	return b.Encode([16]byte{byte(rng.Uint32())}, rng.Uint64N(1000))
}
