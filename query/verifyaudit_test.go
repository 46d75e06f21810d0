package query

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// raw is an audit record as it is stored.
type raw struct {
	index uint64
	value []byte
}

func (f *fixture) raws() (all []raw) {
	f.TB.Helper()
	err := f.Log.Scan(eventlog.SpaceAudit, nil, nil, func(k, v []byte) error {
		all = append(all, raw{binary.BigEndian.Uint64(k), bytes.Clone(v)})
		return nil
	})
	if err != nil {
		f.TB.Fatal(err)
	}
	return all
}

// tamper writes behind the back of the log.
func (f *fixture) tamper(write func(tx *eventlog.Update)) {
	f.TB.Helper()
	tx := f.Log.BeginUpdate()
	write(tx)
	if err := tx.Commit(); err != nil {
		f.TB.Fatal(err)
	}
}

// Whatever is done to one event, or to a stored graph, is found, and the first event that is wrong is named: with the
// log to compare with, and when retention has removed it.
func TestVerifyFindsEachManipulation(t *testing.T) {
	const key, body = eventlog.SpaceAudit, 48 // the command begins behind hash, number and time
	put := func(tx *eventlog.Update, r raw, v []byte) { tx.Put(key, eventlog.IndexKey(r.index), v) }
	flip := func(v []byte, at int) []byte { v = bytes.Clone(v); v[at] ^= 1; return v }
	tests := []struct {
		name string
		do   func(tx *eventlog.Update, all []raw)
		kind string // of the finding
		at   int    // the event at which it shows; -1: only the log can tell
	}{
		{"altered command", func(tx *eventlog.Update, all []raw) {
			put(tx, all[3], bytes.Replace(all[3].value, []byte("cleo"), []byte("olec"), 1))
		}, eventlog.Altered, 3},
		{"altered number", func(tx *eventlog.Update, all []raw) { put(tx, all[4], flip(all[4].value, 33)) }, eventlog.Altered,
			4},
		{"altered time", func(tx *eventlog.Update, all []raw) { put(tx, all[4], flip(all[4].value, 47)) }, eventlog.Altered,
			4},
		{"altered hash", func(tx *eventlog.Update, all []raw) { put(tx, all[5], flip(all[5].value, 0)) }, eventlog.Altered,
			5},
		{"altered hash of the newest", func(tx *eventlog.Update,
			all []raw) {
			last := all[len(all)-1]
			put(tx, last, flip(last.value, 7))
		}, eventlog.Altered, 9},
		{"cut short", func(tx *eventlog.Update, all []raw) { put(tx, all[5], all[5].value[:20]) }, eventlog.Altered, 5},
		{"removed first", func(tx *eventlog.Update, all []raw) { tx.Delete(key, eventlog.IndexKey(all[0].index)) },
			eventlog.Missing, 1},
		{"removed in the middle", func(tx *eventlog.Update, all []raw) { tx.Delete(key, eventlog.IndexKey(all[4].index)) },
			eventlog.Missing, 5},
		{"removed two", func(tx *eventlog.Update, all []raw) {
			tx.Delete(key, eventlog.IndexKey(all[4].index))
			tx.Delete(key, eventlog.IndexKey(all[5].index))
		}, eventlog.Missing, 6},
		{"removed newest", func(tx *eventlog.Update, all []raw) { tx.Delete(key, eventlog.IndexKey(all[9].index)) },
			eventlog.Missing, 9},
		{"removed all", func(tx *eventlog.Update, _ []raw) { tx.DeleteRange(key, nil, nil) }, eventlog.Missing, 9},
		{"swapped", func(tx *eventlog.Update, all []raw) { put(tx, all[4], all[5].value); put(tx, all[5], all[4].value) },
			eventlog.Reordered, 4},
		{"moved to the end", func(tx *eventlog.Update, all []raw) {
			tx.Delete(key, eventlog.IndexKey(all[2].index))
			put(tx, raw{index: all[9].index + 2}, all[2].value)
		}, eventlog.Reordered, 3},
		{"repeated", func(tx *eventlog.Update, all []raw) { put(tx, raw{index: all[6].index + 1}, all[6].value) },
			eventlog.Reordered, 6},
		{"added behind the newest", func(tx *eventlog.Update, all []raw) {
			put(tx, raw{index: all[9].index + 1}, next(all[9], "eve", all[9].index+1))
		}, eventlog.Extra, 10},
		{"altered stored graph", func(tx *eventlog.Update, all []raw) {
			part := append([]byte{'p'}, append(eventlog.IndexKey(all[7].index), 0, 0, 0, 0)...)
			tx.Put(eventlog.SpaceGraph, part, []byte("another graph"))
		}, eventlog.Altered, 7},
		{"altered head of a stored graph", func(tx *eventlog.Update, all []raw) {
			tx.Put(eventlog.SpaceGraph, append([]byte{'h'}, eventlog.IndexKey(all[7].index)...),
				append([]byte{0, 0, 0, 1}, flip(all[7].value[:body], 3)...))
		}, eventlog.Altered, 7},
		{"a whole new chain", func(tx *eventlog.Update, all []raw) { forge(tx, all, 3, false) }, eventlog.Altered, -1},
		{"a whole new chain without the newest", func(tx *eventlog.Update, all []raw) { forge(tx, all, 9, true) },
			eventlog.Missing, -1},
		{"a whole new chain without one", func(tx *eventlog.Update, all []raw) { forge(tx, all, 6, true) }, eventlog.Missing,
			-1},
	}
	for _, held := range []bool{true, false} {
		for _, tt := range tests {
			t.Run(fmt.Sprintf("%s, log held %t", tt.name, held), func(t *testing.T) {
				f, all := tenEvents(t, held)
				if _, err := VerifyAudit(t.Context(), f.Log, nil); err != nil {
					t.Fatalf("before: %v", err)
				}
				if tt.at < 0 && !held {
					t.Skip("found by its hash only")
				}
				f.tamper(func(tx *eventlog.Update) { tt.do(tx, all) })
				_, err := VerifyAudit(t.Context(), f.Log, nil)
				var fault *eventlog.AuditError
				if !errors.As(err, &fault) || fault.Kind != tt.kind {
					t.Fatalf("%v, want a finding: %s", err, tt.kind)
				}
				if tt.at >= 0 && tt.at < len(all) && (fault.Index < all[tt.at].index || fault.Index > all[tt.at].index+1) {
					t.Errorf("%v, want event #%d", err, all[tt.at].index)
				}
				if _, err := json.Marshal(fault); err != nil || fault.Reason == "" {
					t.Errorf("%+v", fault)
				}
			})
		}
	}
}

// tenEvents is a history of ten events with a stored graph at the eighth, a refused change and a batch.
func tenEvents(t *testing.T, held bool) (*fixture, []raw) {
	f, _ := newFixture(t)
	for i, handle := range []string{"ada", "bob", "ada", "dora", "cleo", "edd", "fay", "gus", "hal", "ivy", "joe"} {
		if i == 5 {
			f.Publish(1, "c")
		}
		f.Try(graph.Command{By: graph.Actor{Operator: true}, Time: epoch.Add(time.Duration(i) * time.Hour),
			Op: graph.AddUser{Handle: handle}})
		if handle == "gus" { // number 7, which is older when the next is stored
			f.Store(2)
		}
		if handle == "hal" {
			f.Store(2)
		}
	}
	if !held {
		f.Entry([]byte{byte(entry.KindReport)}, func(tx *eventlog.Tx) { tx.RaiseFloor(f.Index) })
	}
	all := f.raws()
	if len(all) != 10 {
		t.Fatalf("%d events", len(all))
	}
	return f, all
}

// next is a record that fits behind another.
func next(r raw, handle string, index uint64) []byte {
	m := eventlog.AuditMark{Index: r.index, Hash: [32]byte(r.value), Number: binary.BigEndian.Uint64(r.value[32:]),
		Time: int64(binary.BigEndian.Uint64(r.value[40:]))}
	command,
		_ := json.Marshal(graph.Command{By: graph.Actor{Operator: true}, Time: m.When(), Op: graph.AddUser{Handle: handle}})
	e := m.Next(index, m.When(), command)
	return encode(e)
}

func encode(e eventlog.AuditRecord) []byte {
	v := binary.BigEndian.AppendUint64(bytes.Clone(e.Hash[:]), e.Number)
	return append(binary.BigEndian.AppendUint64(v, uint64(e.Time)), e.Command...)
}

// forge writes a new chain in which one event is another or is left out, with all that goes with it.
func forge(tx *eventlog.Update, all []raw, which int, without bool) {
	tx.DeleteRange(eventlog.SpaceGraph, nil, nil)
	tx.DeleteRange(eventlog.SpaceAudit, nil, nil)
	var m eventlog.AuditMark
	for i, r := range all {
		if i == which && without {
			continue
		}
		command := r.value[48:]
		if i == which {
			command = bytes.Replace(command, []byte("cleo"), []byte("evil"), 1)
		}
		e := m.Next(r.index, time.UnixMilli(int64(binary.BigEndian.Uint64(r.value[40:]))), command)
		tx.PutAudit(e)
		m = e.AuditMark
	}
}

// Time travel and the listing refuse an altered history instead of showing it.
func TestAlteredHistoryIsNotShown(t *testing.T) {
	f, all := tenEvents(t, true)
	f.tamper(func(tx *eventlog.Update) {
		tx.Put(eventlog.SpaceAudit, eventlog.IndexKey(all[3].index),
			bytes.Replace(all[3].value, []byte("cleo"), []byte("olec"), 1))
	})
	q := New(f.Log, func() *graph.Graph { return f.Graph }, nil)
	var fault *AuditFault
	if _, err := q.history.GraphAt(all[4].index); !errors.As(err, &fault) || fault.Index != all[3].index {
		t.Errorf("the graph behind an altered event: %v", err)
	}
	if _, _, err := q.AuditEvents(t.Context(), graph.Actor{Operator: true}, AuditFilter{}); !errors.As(err, &fault) {
		t.Errorf("a list with an altered event: %v", err)
	}
}

// A node may go on changing the graph, storing it and removing stored graphs while its audit is verified.
func TestVerifyBesideChanges(t *testing.T) {
	f, _ := newFixture(t)
	for i := range 2000 {
		f.change(0, graph.AddUser{Handle: fmt.Sprintf("u%d", i)})
		if i%300 == 0 {
			f.Store(500)
		}
	}
	more := 0
	s, err := VerifyAudit(t.Context(), f.Log, func(done, total uint64) {
		if total < 2000 || done > total {
			t.Errorf("%d of %d", done, total)
		}
		f.change(0, graph.AddUser{Handle: fmt.Sprintf("later%d", more)})
		f.Store(1000)
		more++
	})
	if err != nil || s.Events != 2000 || more < 3 {
		t.Errorf("%+v, %v, with %d changes meanwhile", s, err, more)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := VerifyAudit(ctx, f.Log, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("verify after cancel: %v", err)
	}
}
