package entry

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func cursors() *Cursors {
	return &Cursors{Time: time.UnixMilli(1_700_000_000_123).UTC(), Ops: []CursorOp{
		{Verb: ClaimCursor, Authkey: 1 << 40, Name: "siem", Start: Position{812, 4}, Channel: "dionaea.*"},
		{
			Verb: AdvanceCursor, Authkey: 7, Name: "a", Epoch: 99, Final: true,
			Acked: Position{1 << 60, 1<<32 - 1}, Safe: Position{3, 0},
		},
		{Verb: ResetCursor, Authkey: 7, Name: strings.Repeat("n", 255), Start: Position{5, 6}, User: 12},
		{Verb: RemoveCursor, Name: "", Operator: true},
	}}
}

func TestCursorsComeBack(t *testing.T) {
	want := cursors()
	got, err := DecodeCursors(want.Encode())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v (%v), want %+v", got, err, want)
	}
	data := want.Encode()
	for n := range data {
		if _, err := DecodeCursors(data[:n]); err == nil {
			t.Errorf("the first %d of %d bytes are taken for an entry", n, len(data))
		}
	}
	if _, err := DecodeCursors(append(data, 0)); err == nil {
		t.Error("a byte behind the entry is not noticed")
	}
}
