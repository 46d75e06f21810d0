package apply

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"slices"
	"testing"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

func controlStateOf(t *testing.T, p *Pin) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteControlState(&b, p.View, p.Term); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// busy applies something to each projection, and returns the authkey whose cursor is claimed.
func busy(t *testing.T, r *replica) (authkey uint64) {
	t.Helper()
	r.configure(t, "n1", "n9")
	r.configure(t, "n1")
	user := graph.UserID(r.change(t, graph.AddUser{Handle: "ada", Role: graph.Member}))
	authkey = r.change(t, graph.AddAuthkey{Owner: user, Ident: "k", Secret: []byte("sealed"), Sub: []graph.Pattern{"*"}})
	r.cursor(t, entry.CursorOp{Verb: entry.ClaimCursor, Authkey: authkey, Name: "n", Channel: "c",
		Start: eventlog.Position{Index: 1}})
	r.batch(t, 7, 1)
	report := entry.Report{
		Node: "n1", Time: noon, Usage: []entry.Usage{{Authkey: authkey, Published: 7}},
		Refusals: []entry.Refusal{{Owner: uint64(user), Ident: "k", Message: "no", Count: 1, First: noon, Last: noon}},
	}
	data, err := report.Encode()
	if err != nil {
		t.Fatal(err)
	}
	r.command(t, data)
	token := entry.Token{
		Step: entry.TokenMade, Hash: [32]byte{1}, Time: noon, Expires: noon.AddDate(0, 0, 1), Uses: 1, By: "root",
	}
	r.command(t, token.Encode())
	for _, e := range []entry.Vault{put("certificates/a", "sealed"), lock("issue", 1, noon)} {
		if err := r.step(t, e); err != nil {
			t.Fatal(err)
		}
	}
	return authkey
}

// TestRestoredIsWhatAStartReads gives an FSM a snapshot with something in each projection. What it then has in memory
// is what it would read at a start, and the end of an epoch in an entry that it did not see is told.
func TestRestoredIsWhatAStartReads(t *testing.T) {
	from, to := newReplica(t), newReplica(t)
	authkey := busy(t, from)
	busy(t, to)
	claimed := to.CursorEndings()
	from.cursor(t, entry.CursorOp{Verb: entry.ClaimCursor, Authkey: authkey, Name: "n", Channel: "c"})
	g := from.Version().Graph
	event, errEvent := from.log.Audit().Event(g.Index())
	graphData, errData := g.MarshalBinary()
	if err := errors.Join(errEvent, errData, from.log.StoredGraphs().Store(event.AuditMark, graphData,
		eventlog.StoredEvery)); err != nil {
		t.Fatal(err)
	}
	from.batch(t, 7, 2)
	index, state := from.checkpoint(t)
	var snapshot bytes.Buffer
	size, err := WriteSnapshot(&snapshot, from.log, index, state)
	if err != nil || size != int64(snapshot.Len()) {
		t.Fatalf("a snapshot of %d bytes is told to have %d, %v", snapshot.Len(), size, err)
	}
	if err := to.Restore(io.NopCloser(&snapshot)); err != nil {
		t.Fatal(err)
	}
	f, fresh := to.FSM, load(t, to.log)
	for what, pair := range map[string][2]any{
		"sessions":   {f.sessions.last, fresh.sessions.last},
		"statistics": {f.activity.usage, fresh.activity.usage}, "refusals": {f.activity.rows, fresh.activity.rows},
		"cursors": {f.cursors.all, fresh.cursors.all}, "tokens": {f.tokens.all, fresh.tokens.all},
		"the configuration": {f.Configuration(), fresh.Configuration()},
		"the audit":         {f.audit, fresh.audit}, "the checkpoint": {f.CheckpointMark(), fresh.CheckpointMark()},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s: %+v, a start reads %+v", what, pair[0], pair[1])
		}
	}
	if len(f.cursors.all) != 1 || len(f.activity.usage) != 1 || len(f.activity.rows) != 1 || len(f.tokens.all) != 1 ||
		len(f.sessions.last) != 1 || !f.Configuration().Removed("n9") {
		t.Error("something was not brought: this tests too little")
	}
	if graphs, err := to.log.StoredGraphs().List(); err != nil || len(graphs) != 1 {
		t.Errorf("%d stored graphs, %v: a start would replay every change", len(graphs), err)
	}
	if !slices.Contains(endingsAfter(claimed), CursorKey{authkey, "n"}) {
		t.Error("the cursor was claimed elsewhere, and nobody here is told")
	}
}

func endingsAfter(e *Ending) (keys []CursorKey) {
	for e = e.Next(); e != nil; e = e.Next() {
		keys = append(keys, e.Key)
	}
	return keys
}
