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
	"hpfriends/query/view"
)

// maxEntries is how many entries one answer may hold.
const maxEntries = 1000

// Entries are the entries from an index on, at most limit; for the operator, since they show everything.
func (q *Query) Entries(viewer graph.Actor, from uint64, limit int) ([]view.LogEntry, error) {
	if !viewer.Operator {
		return nil, refuse(graph.Denied, "", "the entries of the log are for the owner of the data directory")
	}
	return Entries(q.log, from, min(limit, maxEntries))
}

// Entries reads a log that may be in use or not.
func Entries(log *eventlog.Log, from uint64, limit int) ([]view.LogEntry, error) {
	all := []view.LogEntry{}
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

func viewEntry(log *eventlog.Log, e eventlog.Entry) (view.LogEntry, error) {
	v := view.LogEntry{
		Index: e.Index, Term: e.Term, Appended: optional(e.Appended), Kind: e.Kind.String(), Bytes: len(e.Data),
	}
	var content any
	var err error
	switch e.Kind {
	case entry.KindBatch:
		err = viewBatch(&v, log, e)
	case entry.KindChange:
		content, err = graph.Redacted(e.Data[1:])
	case entry.KindReport, entry.KindCursor, entry.KindFloor, entry.KindCheckpoint:
		content, err = entry.Decode(e.Data)
	case entry.KindToken, entry.KindVault: // not the hash, by which tokens are looked up, nor what is kept
		content, err = entry.Shown(e.Data)
	}
	if err == nil && content != nil {
		v.Content, err = json.Marshal(content)
	}
	return v, err
}

func viewBatch(v *view.LogEntry, log *eventlog.Log, e eventlog.Entry) error {
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
		run := view.LogRun{
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
