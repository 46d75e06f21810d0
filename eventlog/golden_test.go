package eventlog

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"hpfriends/eventlog/entry"
	"hpfriends/internal/golden"
)

// goldenCursor has something in every field.
var goldenCursor = Cursor{
	Authkey: 7, Name: "siem", Epoch: 3, Held: true, Acked: Position{Index: 3, Offset: 1}, Safe: Position{Index: 2},
	Channel: "a*", Created: noon, Updated: noon.Add(time.Second),
}

// goldenAudit are two events, of which the second was stamped by a clock that went back.
func goldenAudit() []AuditRecord {
	first := AuditMark{}.Next(2, noon, []byte("first change"))
	return []AuditRecord{first, first.Next(5, noon.Add(-time.Hour), []byte("second change"))}
}

// goldenStore is a store with a record in every span and in every space whose format belongs to this package.
func goldenStore(t *testing.T) *Log {
	t.Helper()
	l := openLog(t, vfs.NewMem())
	l.total = sizeStep - 200 // the next entries pass a size mark
	batch := func(seq uint64, channels ...string) []byte {
		var b entry.Builder
		for _, c := range channels {
			b.Add(c, 7, 3, noon.UnixMilli(), netip.MustParseAddr("192.0.2.7"), frame(3, 'a'), 1)
		}
		return b.Encode([16]byte{1, 2, 3}, seq)
	}
	storeLogs(t, l,
		&raft.Log{Index: 1, Term: 1, Type: raft.LogNoop},
		command(2, 1, []byte{byte(entry.KindChange), '{', '}'}),
		command(3, 2, batch(1, "a", "a\x00b")),
		command(4, 2, batch(1, "a", "a\x00b")),
		&raft.Log{
			Index: 5, Term: 2, Type: raft.LogCommand, Data: []byte{byte(entry.KindChange)}, Extensions: []byte("extension"),
		},
	)
	h, err := entry.DecodeHeader(batch(1, "a", "a\x00b"))
	if err != nil {
		t.Fatal(err)
	}
	tx := l.Begin()
	tx.IndexBatch(3, h)
	tx.HideBatch(4)
	for _, r := range goldenAudit() {
		tx.PutAudit(r)
	}
	tx.Put(SpaceCursors, CursorKey(goldenCursor.Authkey, goldenCursor.Name), goldenCursor.Encode())
	tx.RaiseFloor(2)
	if err := tx.Commit(5); err != nil {
		t.Fatal(err)
	}
	if err := l.StoredGraphs().Store(goldenAudit()[1].AuditMark, []byte("a graph"), StoredEvery); err != nil {
		t.Fatal(err)
	}
	if err := l.Checkpoints().Store(4, []byte("a checkpoint")); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestStoredBytesArePinned(t *testing.T) {
	l := goldenStore(t)
	var text bytes.Buffer
	fmt.Fprintf(&text, "# Pebble's format %d. Below: key, then value, as the hexadecimal of their bytes.\n",
		formatMajorVersion)
	err := l.db.scan(nil, nil, func(k, v []byte) error {
		_, err := fmt.Fprintf(&text, "%x %x\n", k, v)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "store.hex", text.Bytes())
}

// openGolden opens a store with the pinned keys and values.
func openGolden(t *testing.T) *Log {
	t.Helper()
	f, err := os.Open("testdata/golden/store.hex")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fs := vfs.NewMem()
	cfg := testConfig(fs).withDefaults()
	s, err := openStore(cfg)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		key, value, _ := strings.Cut(lines.Text(), " ")
		k, errKey := hex.DecodeString(key)
		v, errValue := hex.DecodeString(value)
		if errKey != nil || errValue != nil {
			t.Fatalf("%q: %v, %v", lines.Text(), errKey, errValue)
		}
		if err := s.Set(k, v, pebble.Sync); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return openLog(t, fs)
}

func TestPinnedBytesAreUnderstood(t *testing.T) {
	l, want := openGolden(t), goldenStore(t)
	if s := verify(t, l); s.Floor != 2 || s.Applied != 5 || s.Last != 5 || s.Batches != 1 || s.Hidden != 1 ||
		s.Messages != 2 {
		t.Errorf("summary %+v", s)
	}
	if term, err := l.Term(1); term != 1 || err != nil {
		t.Errorf("the entry before the floor is of term %d, %v", term, err)
	}
	for i := l.Floor(); i <= l.Applied(); i++ {
		got, err := l.Entry(i)
		e, errWant := want.Entry(i)
		e.Appended = e.Appended.UTC() // from memory it comes as it was handed in
		if err != nil || errWant != nil || !reflect.DeepEqual(got, e) {
			t.Errorf("entry %d: %+v, %v; want %+v, %v", i, got, err, e, errWant)
		}
	}
	if r, err := l.stored(5); err != nil || string(r.Extensions) != "extension" {
		t.Errorf("extensions %q, %v", r.Extensions, err)
	}
	found, err := l.Next(Selector{Prefixes: []string{"a\x00"}}, 0, 9)
	if err != nil || !reflect.DeepEqual(found, []uint64{3}) {
		t.Errorf("batches with the channel: %v, %v", found, err)
	}
	size, err := l.Retention().Size()
	if wantSize, errWant := want.Retention().Size(); err != nil || errWant != nil || size != wantSize {
		t.Errorf("size %d, %v; want %d, %v", size, err, wantSize, errWant)
	}
	checkGoldenProjections(t, l)
}

func checkGoldenProjections(t *testing.T, l *Log) {
	var cursors []Cursor
	err := l.Cursors(7, func(c Cursor) error { cursors = append(cursors, c); return nil })
	if err != nil || !reflect.DeepEqual(cursors, []Cursor{goldenCursor}) {
		t.Errorf("cursors %+v, %v", cursors, err)
	}
	var mark AuditMark
	var events []AuditRecord
	_, err = l.Audit().Scan(0, 9, func(r AuditRecord) error {
		if err := mark.Check(r); err != nil {
			return err
		}
		mark, events = r.AuditMark, append(events, r)
		return nil
	})
	if err != nil || !reflect.DeepEqual(events, goldenAudit()) {
		t.Errorf("audit %+v, %v", events, err)
	}
	if newest, err := l.Audit().Newest(); err != nil || newest != mark {
		t.Errorf("newest event %+v, %v, want %+v", newest, err, mark)
	}
	if s, data, ok, err := l.StoredGraphs().Newest(5); err != nil || !ok || s.AuditMark != mark ||
		string(data) != "a graph" {
		t.Errorf("stored graph %+v %q %t %v", s, data, ok, err)
	}
	if data, err := l.Checkpoints().Data(4); err != nil || string(data) != "a checkpoint" {
		t.Errorf("checkpoint %q, %v", data, err)
	}
	if _, err := l.Verify(context.Background(), nil); err != nil {
		t.Error(err)
	}
}
