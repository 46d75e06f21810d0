package query

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/query/view"
)

// logRow is a row with its key, which tells rows apart that look the same: they may be of different owners.
type logRow struct {
	view.LogRow
	key string
}

// LogFilter selects rows; empty fields select all.
type LogFilter struct {
	Since   time.Time
	Ident   string
	Channel string
	Address string
	After   uint64 // rows that an entry after this one has changed
	Limit   int    // newest rows; 0: all
}

// Logs are the refusals that concern the viewer's authkeys, newest first. Those who may see everything also get the
// rows of unknown idents.
func (q *Query) Logs(viewer graph.Actor, f LogFilter) ([]view.LogRow, error) {
	rows, err := logRows(q.log, q.Viewer(viewer), f)
	shown := make([]view.LogRow, len(rows))
	for i, r := range rows {
		shown[i] = r.LogRow
	}
	return shown, err
}

// lookAgain is how often AwaitLogs looks whether there is something new.
const lookAgain = 25 * time.Millisecond

// AwaitLogs is Logs once there are rows that f selects, or none when ctx is done.
func (q *Query) AwaitLogs(ctx context.Context, viewer graph.Actor, f LogFilter) ([]view.LogRow, error) {
	for seen := f.After; ; {
		newest, err := newestRefusal(q.log)
		if err != nil {
			return nil, err
		}
		if newest > seen {
			rows, err := q.Logs(viewer, f)
			if err != nil || len(rows) > 0 {
				return rows, err
			}
			seen = newest
		}
		select {
		case <-time.After(lookAgain):
		case <-ctx.Done():
			return []view.LogRow{}, nil
		}
	}
}

// newestRefusal is the index of the entry that changed a row last.
func newestRefusal(log *eventlog.Log) (uint64, error) {
	v, err := log.Get(eventlog.SpaceMeta, eventlog.KeyNewestRefusal)
	if errors.Is(err, eventlog.ErrNotFound) {
		return 0, nil
	}
	index, ok := eventlog.ParseIndexKey(v)
	if err == nil && !ok {
		err = fmt.Errorf("query: the index of the newest refusal has %d bytes", len(v))
	}
	return index, err
}

func logRows(log *eventlog.Log, v graph.Viewer, f LogFilter) (rows []logRow, err error) {
	var from, to []byte
	if !v.CanSeeAll() {
		if !v.CanSeeAnything() {
			return nil, nil // nobody, or disabled
		}
		from = binary.BigEndian.AppendUint64(nil, uint64(v.User))
		to = binary.BigEndian.AppendUint64(nil, uint64(v.User)+1)
	}
	err = log.Scan(eventlog.SpaceLogs, from, to, func(k, v []byte) error {
		var r entry.Refusal
		if err := json.Unmarshal(v, &r); err != nil {
			return fmt.Errorf("query: logs record %x: %w", k, err)
		}
		if f.admits(r) {
			rows = append(rows, logRow{viewRefusal(r), string(k)})
		}
		return nil
	})
	slices.SortFunc(rows, func(a, b logRow) int {
		return cmp.Or(b.Time.Compare(a.Time), strings.Compare(a.text(), b.text()))
	})
	if f.Limit > 0 && len(rows) > f.Limit {
		rows = rows[:f.Limit]
	}
	return rows, err
}

func viewRefusal(r entry.Refusal) view.LogRow {
	return view.LogRow{
		Time: r.Last, First: r.First, Identifier: r.Ident, Message: r.Message, Detail: r.Detail, Channel: r.Channel,
		Address: r.Addr, Count: r.Count, Index: r.Index,
	}
}

func (r *logRow) text() string { return r.Identifier + r.Message + r.Channel + r.Address + r.key }

func (f LogFilter) admits(r entry.Refusal) bool {
	return (f.After == 0 || r.Index > f.After) &&
		(f.Since.IsZero() || !r.Last.Before(f.Since)) && (f.Ident == "" || f.Ident == r.Ident) &&
		(f.Channel == "" || f.Channel == r.Channel) && (f.Address == "" || f.Address == r.Addr)
}
