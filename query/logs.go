package query

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/query/view"
	"hpfriends/wire"
)

// logRow is a row with its key.
type logRow struct {
	view.LogRow
	key string
}

// LogFilter selects rows; empty fields select all.
type LogFilter struct {
	Since   time.Time // last seen then, or later
	Until   time.Time // last seen before
	User    string    // handle of whose authkey it is
	Ident   string
	Kind    view.LogKind
	Channel string
	Address string
	After   uint64 // rows that an entry after this one has changed
	Limit   int    // newest rows; 0: all
}

// Logs are the refusals that concern the viewer's authkeys, newest first. Those who may see everything also get the
// rows of unknown idents; for them only the newest rows are looked at.
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

// maxRows is how many rows of all owners one answer looks at, the newest first. Of one owner all are looked at.
const maxRows = 10_000

func logRows(log *eventlog.Log, v graph.Viewer, f LogFilter) (rows []logRow, err error) {
	err = eachLogRow(log, v, f, func(r view.LogRow, key []byte) {
		rows = append(rows, logRow{r, string(key)})
	})
	slices.SortFunc(rows, func(a, b logRow) int {
		if at := b.Time.Compare(a.Time); at != 0 {
			return at
		}
		return strings.Compare(a.text(), b.text())
	})
	if f.Limit > 0 && len(rows) > f.Limit {
		rows = rows[:f.Limit]
	}
	return rows, err
}

// eachLogRow calls fn for the rows that a filter selects, in any order; with a limit for the newest of them at least.
// The key, which fn may not keep, tells rows apart that look the same: they may be of different owners.
func eachLogRow(log *eventlog.Log, v graph.Viewer, f LogFilter, fn func(r view.LogRow, key []byte)) error {
	if !v.CanSeeAnything() {
		return nil // nobody, or disabled
	}
	space, from, to := eventlog.SpaceRecent, []byte(nil), []byte(nil)
	if !f.Until.IsZero() {
		from = eventlog.RecentKey(f.Until, nil)
	}
	of := func(user graph.UserID) {
		space = eventlog.SpaceLogs
		from = binary.BigEndian.AppendUint64(nil, uint64(user))
		to = binary.BigEndian.AppendUint64(nil, uint64(user)+1)
	}
	if f.User != "" {
		u, err := ResolveUser(v, f.User)
		if err != nil {
			return err
		}
		if of(u.ID); !v.CanSeeAll() && u.ID != v.User {
			return nil
		}
	} else if !v.CanSeeAll() {
		of(v.User)
	}
	looked, found, oldest := 0, 0, time.Time{} // of those that were found
	err := log.Scan(space, from, to, func(k, value []byte) error {
		r, err := entry.DecodeRefusal(value)
		if err != nil {
			return fmt.Errorf("query: logs record %x: %w", k, err)
		}
		if space == eventlog.SpaceRecent { // newest first: the rest is older
			if looked++; looked > maxRows || r.Last.Before(f.Since) ||
				f.Limit > 0 && found >= f.Limit && r.Last.Before(oldest) {
				return errEnough
			}
			k = k[8:]
		}
		if f.admits(r) {
			found, oldest = found+1, r.Last
			fn(viewRefusal(v, r), k)
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return err
}

func viewRefusal(v graph.Viewer, r entry.Refusal) view.LogRow {
	row := view.LogRow{
		Time: r.Last, First: r.First, Identifier: r.Ident, Message: r.Message, Detail: r.Detail, Channel: r.Channel,
		Address: r.Addr, Count: r.Count, Index: r.Index, Kind: logKind(r.Message),
	}
	if v.CanSeeAll() {
		row.User = handle(v.Graph(), graph.UserID(r.Owner))
	}
	return row
}

// logKind goes by the wording, which is stored.
func logKind(message string) view.LogKind {
	switch {
	case strings.HasPrefix(message, "Pre-auth: "), message == entry.PasswordIncorrect:
		return view.LogLogin
	case message == wire.ReasonNoPub.LogMessage():
		return view.LogPublish
	case message == wire.ReasonNoSub.LogMessage():
		return view.LogSubscribe
	}
	return view.LogOther
}

func (r *logRow) text() string { return r.Identifier + r.Message + r.Channel + r.Address + r.key }

func (f LogFilter) admits(r entry.Refusal) bool {
	return (f.After == 0 || r.Index > f.After) &&
		(f.Since.IsZero() || !r.Last.Before(f.Since)) && (f.Ident == "" || f.Ident == r.Ident) &&
		(f.Channel == "" || f.Channel == r.Channel) && (f.Address == "" || f.Address == r.Addr) &&
		(f.Until.IsZero() || r.Last.Before(f.Until)) && (f.Kind == "" || f.Kind == logKind(r.Message))
}
