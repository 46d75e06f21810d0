package query

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// LogEntry is one entry of the log, as `log dump` shows it. There are no secrets in it and no payloads: of secrets,
// passwords and tokens only that they were set.
type LogEntry struct {
	Index    uint64          `json:"index"`
	Term     uint64          `json:"term"`
	Appended *time.Time      `json:"appended,omitempty"`
	Kind     string          `json:"kind" doc:"batch, change, report, cursor, floor, or raft for an entry of Raft's own"`
	Bytes    int             `json:"bytes" doc:"of the command"`
	Hidden   bool            `json:"hidden,omitempty" doc:"a batch that repeats another one or was refused"`
	Session  string          `json:"session,omitempty" doc:"of a batch"`
	Seq      uint64          `json:"seq,omitempty" doc:"of a batch, in its session"`
	Runs     []LogRun        `json:"runs,omitempty" doc:"of a batch"`
	Content  json.RawMessage `json:"content,omitempty" doc:"of another kind"`
}

// LogRun is consecutive messages of one connection on one channel.
type LogRun struct {
	First   uint32    `json:"first" doc:"offset of its first message"`
	Count   uint32    `json:"count"`
	Bytes   int       `json:"bytes" doc:"of its frames"`
	Channel string    `json:"channel"`
	Authkey uint64    `json:"authkey"`
	Origin  uint64    `json:"origin" doc:"user id"`
	Time    time.Time `json:"time"`
	Remote  string    `json:"remote,omitempty"`
}

// maxEntries is how many entries one answer may hold.
const maxEntries = 1000

// Entries are the entries from an index on, at most limit; for the operator, since they show everything.
func (q *Query) Entries(viewer graph.Actor, from uint64, limit int) ([]LogEntry, error) {
	if !viewer.Operator {
		return nil, refuse(graph.Denied, "", "the entries of the log are for the owner of the data directory")
	}
	return Entries(q.log, from, min(limit, maxEntries))
}

// Entries reads a log that may be in use or not.
func Entries(log *eventlog.Log, from uint64, limit int) ([]LogEntry, error) {
	all := []LogEntry{}
	for index := max(from, log.Floor()); len(all) < limit && index <= log.Applied(); index++ {
		e, err := log.Entry(index)
		if errors.Is(err, eventlog.ErrBelowFloor) { // it has just moved
			index = log.Floor() - 1
			continue
		}
		if err != nil {
			return all, err
		}
		v, err := viewEntry(log, e)
		if err != nil {
			return all, fmt.Errorf("entry %d: %w", index, err)
		}
		all = append(all, v)
	}
	return all, nil
}

func viewEntry(log *eventlog.Log, e eventlog.Entry) (LogEntry, error) {
	v := LogEntry{Index: e.Index, Term: e.Term, Appended: optional(e.Appended), Kind: e.Kind.String(), Bytes: len(e.Data)}
	var content any
	var err error
	switch e.Kind {
	case entry.KindBatch:
		err = viewBatch(&v, log, e)
	case entry.KindChange:
		content, err = graph.Redacted(e.Data[1:])
	case entry.KindReport, entry.KindCursor, entry.KindFloor, entry.KindCheckpoint:
		content, err = entry.Decode(e.Data)
	case entry.KindToken: // not the hash, by which tokens are looked up
		t, failed := entry.DecodeToken(e.Data)
		if err = failed; err == nil {
			content = map[string]time.Time{"expires": t.Expires}
		}
	}
	if err == nil && content != nil {
		v.Content, err = json.Marshal(content)
	}
	return v, err
}

func viewBatch(v *LogEntry, log *eventlog.Log, e eventlog.Entry) error {
	h, err := entry.DecodeHeader(e.Data)
	if err != nil {
		return err
	}
	if _, err := log.Batch(e.Index); errors.Is(err, eventlog.ErrNotBatch) {
		v.Hidden = true
	}
	v.Session, v.Seq = hex.EncodeToString(h.Session[:]), h.Seq
	for i := range h.Runs {
		r := &h.Runs[i]
		run := LogRun{
			First: r.First, Count: r.Count, Bytes: int(r.Size), Channel: r.Channel, Authkey: r.Authkey, Origin: r.Origin,
			Time: time.UnixMilli(r.Time).UTC(),
		}
		if r.Remote.IsValid() {
			run.Remote = r.Remote.String()
		}
		v.Runs = append(v.Runs, run)
	}
	return nil
}
