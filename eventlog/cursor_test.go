package eventlog

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"
)

func cursorEntry() *CursorEntry {
	return &CursorEntry{Time: time.UnixMilli(1_700_000_000_123).UTC(), Ops: []CursorOp{
		{Verb: ClaimCursor, Authkey: 1 << 40, Name: "siem", Start: Position{812, 4}, Channel: "dionaea.*"},
		{Verb: AdvanceCursor, Authkey: 7, Name: "a", Epoch: 99, Acked: Position{1 << 60, 1<<32 - 1}, Safe: Position{3, 0}, Final: true},
		{Verb: ResetCursor, Authkey: 7, Name: strings.Repeat("n", 255), Start: Position{5, 6}, User: 12},
		{Verb: RemoveCursor, Name: "", Operator: true},
	}}
}

func TestCursorEntryComesBack(t *testing.T) {
	want := cursorEntry()
	got, err := DecodeCursorEntry(want.Encode())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v (%v), want %+v", got, err, want)
	}
	data := want.Encode()
	for n := range data {
		if _, err := DecodeCursorEntry(data[:n]); err == nil {
			t.Errorf("the first %d of %d bytes are taken for an entry", n, len(data))
		}
	}
	if _, err := DecodeCursorEntry(append(data, 0)); err == nil {
		t.Error("a byte behind the entry is not noticed")
	}
}

func FuzzDecodeCursorEntry(f *testing.F) {
	f.Add(cursorEntry().Encode())
	f.Add((&CursorEntry{Time: time.UnixMilli(0)}).Encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := DecodeCursorEntry(data)
		if err != nil {
			return
		}
		again, err := DecodeCursorEntry(e.Encode())
		if err != nil || !reflect.DeepEqual(again, e) {
			t.Fatalf("encoded again: %+v (%v), want %+v", again, err, e)
		}
	})
}

func TestCursorComesBack(t *testing.T) {
	want := Cursor{
		Authkey: 1 << 50, Name: "a:b-c.d_9", Epoch: 77, Held: true, Acked: Position{9, 8}, Safe: Position{7, 6}, Channel: "c\x00*",
		Created: time.UnixMilli(1_700_000_000_001).UTC(), Updated: time.UnixMilli(1_800_000_000_999).UTC(),
	}
	k, v := CursorKey(want.Authkey, want.Name), want.Encode()
	if got, err := DecodeCursor(k, v); err != nil || got != want {
		t.Fatalf("got %+v (%v), want %+v", got, err, want)
	}
	for n := range cursorHead {
		if _, err := DecodeCursor(k, v[:n]); err == nil {
			t.Errorf("%d bytes are taken for a cursor", n)
		}
	}
	if _, err := DecodeCursor(k, append([]byte{2}, v[1:]...)); err == nil {
		t.Error("a version that is not known is taken for a cursor")
	}
	if _, err := DecodeCursor(k[:8], v); err == nil {
		t.Error("a key without name is taken for a cursor")
	}
	if bytes.Compare(CursorKey(1, "z"), CursorKey(2, "a")) >= 0 {
		t.Error("cursors of one authkey do not lie together")
	}
}

func TestCursorNames(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "siem-1": true, "A.b_c:d-9": true, strings.Repeat("x", 64): true,
		"...": true, ".": false, "..": false, "": false, strings.Repeat("x", 65): false, "a b": false, "a/b": false, "é": false, "a\n": false, "*": false, "a?b": false,
	} {
		if got := ValidCursorName(name); got != want {
			t.Errorf("%q is valid: %t, want %t", name, got, want)
		}
	}
}
