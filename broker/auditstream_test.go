package broker

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/query"
	"hpfriends/query/view"
	"hpfriends/wire/subscription"
)

// audited is a log of changes, each stamped with one of the times.
func audited(t *testing.T, stamps []time.Time) (*eventlog.Log, *graph.Graph) {
	t.Helper()
	log, err := eventlog.Open(eventlog.Config{Dir: "log", FS: vfs.NewMem(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	g := graph.New()
	var newest eventlog.AuditMark
	for i, at := range stamps {
		index := uint64(i + 1)
		command, err := json.Marshal(graph.Command{By: graph.Actor{Operator: true}, Time: at.UTC(),
			Op: graph.AddUser{Handle: fmt.Sprintf("u%d", index), Role: graph.Admin}})
		if err != nil {
			t.Fatal(err)
		}
		if g, _, err = g.Replay(index, command); err != nil {
			t.Fatal(err)
		}
		change := &raft.Log{Index: index, Term: 1, Type: raft.LogCommand,
			Data: append([]byte{byte(entry.KindChange)}, command...)}
		if err := log.LogStore().StoreLogs([]*raft.Log{change}); err != nil {
			t.Fatal(err)
		}
		r := newest.Next(index, at, command)
		newest = r.AuditMark
		tx := log.Begin()
		tx.PutAudit(r)
		if err := tx.Commit(index); err != nil {
			t.Fatal(err)
		}
	}
	return log, g
}

// $audit goes by each change's own time, although one before them was stamped two years ahead.
func TestAuditStreamGoesByEachChangesOwnTime(t *testing.T) {
	now := time.Now()
	var stamps []time.Time
	for h := 20; h > 0; h-- { // #1 to #10, #11, #12 to #21
		if h == 10 {
			stamps = append(stamps, now.AddDate(2, 0, 0))
		}
		stamps = append(stamps, now.Add(-time.Duration(h)*time.Hour+time.Minute))
	}
	log, g := audited(t, stamps)
	c := &conn{broker: &Broker{Config: Config{Events: log, Query: query.New(log, func() *graph.Graph { return g }, nil)}}}
	for text, want := range map[string]string{
		"$audit?since=1h":            "[11 21]", // without an end what is of a time to come is shown
		"$audit?since=5h&until=2h":   "[17 18 19]",
		"$audit?since=15h&until=8h":  "[6 7 8 9 10 12 13]",
		"$audit?from=%2318&until=1h": "[18 19 20]",
		"$audit?from=first&until=9h": "[1 2 3 4 5 6 7 8 9 10 12]",
	} {
		sub, err := subscription.Parse(text, now)
		if err != nil {
			t.Fatal(err)
		}
		a := &auditStream{conn: c, grant: &grant{Subscription: sub}, start: log.Applied()}
		after, err := a.after()
		if err == nil {
			err = a.limit()
		}
		if err == nil {
			a.reader, err = c.broker.Query.AuditReader(graph.Actor{Operator: true}, after)
		}
		to := log.Applied()
		if a.until > 0 {
			to = min(to, a.until)
		}
		if err != nil {
			t.Fatal(err)
		}
		events, _, err := a.reader.Read(to, auditStep)
		got := []uint64{}
		for i := range events {
			if a.wanted(&events[i]) {
				got = append(got, events[i].Index)
			}
		}
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("%s: %v, %v, want %s", text, got, err, want)
		}
	}
	// What comes after it was subscribed to is sent, whatever its clock says.
	sub, err := subscription.Parse("$audit?since=1h", now)
	if err != nil {
		t.Fatal(err)
	}
	a := &auditStream{conn: c, grant: &grant{Subscription: sub}, start: 21}
	late := view.AuditEvent{Index: 22, Time: now.AddDate(-1, 0, 0)}
	if !a.wanted(&late) {
		t.Error("a change that has just come from a node whose clock is behind is left out")
	}
}
