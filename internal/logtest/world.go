// Package logtest is a log, its audit and a graph that tests change by hand, as a node would.
//
// # Invariant
//
// Graph is what the entries of Log say, and Index is the newest of them.
//
// # Concurrency
//
// A World is for one goroutine.
package logtest

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"testing"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// World is a log, and the graph that its changes make. What goes wrong ends the test.
type World struct {
	TB    testing.TB
	Log   *eventlog.Log
	Graph *graph.Graph
	Index uint64
}

// New opens a new log, quietly, and closes it behind the test.
func New(t testing.TB, c eventlog.Config) *World {
	t.Helper()
	c.Logger = slog.New(slog.DiscardHandler)
	log, err := eventlog.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return &World{TB: t, Log: log, Graph: graph.New()}
}

// Entry appends an entry and applies it.
func (w *World) Entry(data []byte, apply func(*eventlog.Tx)) {
	w.TB.Helper()
	w.Index++
	l := []*raft.Log{{Index: w.Index, Term: 1, Type: raft.LogCommand, Data: data}}
	if err := w.Log.LogStore().StoreLogs(l); err != nil {
		w.TB.Fatal(err)
	}
	tx := w.Log.Begin()
	apply(tx)
	if err := tx.Commit(w.Index); err != nil {
		w.TB.Fatal(err)
	}
}

// Try appends a command and applies it as a node does. The error is the graph's refusal.
func (w *World) Try(c graph.Command) (graph.Outcome, error) {
	w.TB.Helper()
	command, err := json.Marshal(c)
	if err != nil {
		w.TB.Fatal(err)
	}
	var decoded graph.Command
	if err := json.Unmarshal(command, &decoded); err != nil {
		w.TB.Fatal(err)
	}
	g, out, refusal := w.Graph.Apply(w.Index+1, decoded)
	w.Entry(append([]byte{byte(entry.KindChange)}, command...), func(tx *eventlog.Tx) {
		if refusal != nil {
			return
		}
		newest, err := w.Log.Audit().Newest()
		if err != nil {
			w.TB.Fatal(err)
		}
		tx.PutAudit(newest.Next(w.Index, c.Time, command))
	})
	w.Graph = g
	return out, refusal
}

// Store stores the graph; of the older ones one in each span of every events is kept.
func (w *World) Store(every uint64) {
	w.TB.Helper()
	newest, err := w.Log.Audit().Newest()
	if err != nil {
		w.TB.Fatal(err)
	}
	data, err := w.Graph.MarshalBinary()
	if err == nil {
		err = w.Log.StoredGraphs().Store(newest, data, every)
	}
	if err != nil {
		w.TB.Fatal(err)
	}
}

// Publish appends one batch of one message by origin on a channel, and returns its position.
func (w *World) Publish(origin graph.UserID, channel string) string {
	w.TB.Helper()
	var b entry.Builder
	frame := []byte{0, 0, 0, 5, 3}
	b.Add(channel, 1, uint64(origin), 1_700_000_000_000+int64(w.Index), netip.Addr{}, frame, 1)
	data := b.Encode([16]byte{1}, w.Index)
	h, err := entry.DecodeHeader(data)
	if err != nil {
		w.TB.Fatal(err)
	}
	w.Entry(data, func(tx *eventlog.Tx) { tx.IndexBatch(w.Index, h) })
	return fmt.Sprintf("#%d.0", w.Index)
}
