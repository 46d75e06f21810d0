package eventlog

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"hpfriends/eventlog/entry"
)

func TestCursorComesBack(t *testing.T) {
	want := Cursor{
		Authkey: 1 << 50, Name: "a:b-c.d_9", Epoch: 77, Held: true,
		Acked: Position{Index: 9, Offset: 8}, Safe: Position{Index: 7, Offset: 6}, Channel: "c\x00*",
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
		"...": true, ".": false, "..": false, "": false, strings.Repeat("x", 65): false,
		"a b": false, "a/b": false, "é": false, "a\n": false, "*": false, "a?b": false,
	} {
		if got := entry.ValidCursorName(name); got != want {
			t.Errorf("%q is valid: %t, want %t", name, got, want)
		}
	}
}
