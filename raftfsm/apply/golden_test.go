package apply

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/internal/golden"
)

// records returns the projections of which a control state is made, one record a line.
func records(t *testing.T, data []byte) string {
	t.Helper()
	state, err := parseControlState(data)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "term %d, newest batch %d\n", state.term, state.newest)
	err = state.each(func(space eventlog.Space, k, v []byte) error {
		fmt.Fprintf(&b, "%c %q %q\n", space, k, v)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestStateIsPinned pins the bytes that nodes compare at a checkpoint and send in a snapshot. Whoever changes them
// raises StateFormat.
func TestStateIsPinned(t *testing.T) {
	from := newReplica(t)
	busy(t, from)
	index, state := from.checkpoint(t)
	golden.Compare(t, "projections.txt", []byte(records(t, state)))
	golden.Compare(t, "controlstate.hex", []byte(hex.Dump(state)))
	var snapshot bytes.Buffer
	if _, err := WriteSnapshot(&snapshot, from.log, index, state); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "snapshot.hex", []byte(hex.Dump(snapshot.Bytes())))

	to := newReplica(t)
	if err := to.Restore(io.NopCloser(&snapshot)); err != nil {
		t.Fatal(err)
	}
	if got, err := to.log.Checkpoints().Data(index); err != nil || !bytes.Equal(got, state) {
		t.Errorf("the snapshot brings another control state, %v", err)
	}
	if !reflect.DeepEqual(to.sessions.last, from.sessions.last) || !reflect.DeepEqual(to.cursors.all, from.cursors.all) {
		t.Error("the snapshot brings other sessions or cursors")
	}
	if !reflect.DeepEqual(to.Configuration(), from.Configuration()) ||
		to.Version().Graph.Index() != from.Version().Graph.Index() {
		t.Error("the snapshot brings another configuration or graph")
	}
	meta, err := DescribeControlState("id", index, state)
	if err != nil || meta.Index != index || meta.Term != 3 || len(meta.Configuration.Servers) != 1 {
		t.Errorf("the control state is described as %+v, %v", meta, err)
	}
}

// TestResultsArePinned pins what the leader answers to the node that proposed.
func TestResultsArePinned(t *testing.T) {
	refusal := &graph.Error{Code: graph.Denied, Msg: "no", Hint: "ask"}
	cursor := eventlog.Cursor{
		Authkey: 7, Name: "n", Channel: "c", Epoch: 9, Held: true, Created: noon, Updated: noon,
		Acked: eventlog.Position{Index: 5, Offset: 2}, Safe: eventlog.Position{Index: 4},
	}
	for name, r := range map[string]Result{
		"none":    {Index: 1 << 40},
		"batch":   {Index: 2, Response: BatchResult{Applied: true, Next: 3}},
		"repeat":  {Index: 2, Response: BatchResult{Repeat: true, Next: 1 << 40}},
		"change":  {Index: 3, Response: ChangeResult{Outcome: graph.Outcome{Object: 5}}},
		"refused": {Index: 3, Response: ChangeResult{Err: refusal}},
		"cursors": {Index: 4, Response: []CursorResult{{Cursor: cursor}, {Err: refusal}}},
	} {
		data, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, "result-"+name+".hex", []byte(hex.Dump(data)))
		if got, err := DecodeResult(data); err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%s: %+v is decoded to %+v, %v", name, r, got, err)
		}
	}
}

// Every kind of entry is applied: what is malformed is refused by its decoder, not as a kind that nobody knows.
func TestEveryKindIsApplied(t *testing.T) {
	r := newReplica(t)
	for kind := range entry.Kinds() {
		tx := r.log.Begin()
		_, err := r.FSM.apply(tx, &raft.Log{Index: 1, Type: raft.LogCommand, Data: []byte{byte(kind)}})
		tx.Discard()
		if err != nil && strings.Contains(err.Error(), "unknown kind") {
			t.Errorf("Apply has forgotten entries of kind %s", kind)
		}
	}
	tx := r.log.Begin()
	defer tx.Discard()
	if _, err := r.FSM.apply(tx, &raft.Log{Index: 1, Type: raft.LogCommand, Data: []byte{255}}); err == nil {
		t.Error("an entry of a kind that nobody knows is applied")
	}
}
