package query

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"hpfriends/graph"
	"hpfriends/internal/golden"
)

// Every operation of the graph has its event, which names what it was about and tells what it has changed. The history
// is the one that pins the format of the log, and holds them all.
func TestEveryOperationHasItsEvent(t *testing.T) {
	f, q := newFixture(t)
	history, err := os.ReadFile("../graph/testdata/golden/commands.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(history) {
		var c graph.Command
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Try(c); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	events, _, err := q.AuditEvents(t.Context(), graph.Actor{Operator: true}, AuditFilter{Oldest: true})
	if err != nil || len(events) != int(f.Index) {
		t.Fatalf("%d events of %d changes, %v", len(events), f.Index, err)
	}
	var all bytes.Buffer
	enc := json.NewEncoder(&all)
	enc.SetIndent("", "\t")
	kinds := make(map[graph.Kind]bool)
	for _, e := range events {
		ofNone := e.Op == "expire" || strings.HasPrefix(e.Op, "retention.")
		if e.Object == nil && !ofNone || e.Object != nil && (e.Object.Name == "" || e.Object.ID == 0) {
			t.Errorf("%s of #%d is about %+v", e.Op, e.Index, e.Object)
		}
		for _, c := range e.Changes {
			kinds[c.Kind] = true
			if len(c.Before)+len(c.After) == 0 || c.Name == "" {
				t.Errorf("%s of #%d: the change of a %s is %+v", e.Op, e.Index, c.Kind, c)
			}
		}
		if err := enc.Encode(e); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range graph.Kinds {
		if !kinds[k] {
			t.Errorf("the history changes no %s", k)
		}
	}
	golden.Compare(t, "auditevents.json", all.Bytes())
}
