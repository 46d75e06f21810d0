package query

import (
	"cmp"
	"errors"
	"slices"

	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/query/view"
)

// Position says where a message is in the log.
type Position = eventlog.Position

// Cursors are the cursors of the authkey with this ident, or all that the viewer may see when it is empty, in order of
// their epochs. When the entry at each was written is told where times are wanted: each is read for it.
func (q *Query) Cursors(viewer graph.Actor, ident string, times bool) ([]view.Cursor, error) {
	v := q.Viewer(viewer)
	all := []view.Cursor{}
	add := func(c eventlog.Cursor) error {
		k, ok := v.Graph().Authkey(graph.AuthkeyID(c.Authkey))
		if !ok || !v.CanSeeAuthkey(k) {
			return nil
		}
		shown := viewCursor(q.log, k, c)
		var err error
		if times {
			err = timeCursor(q.log, &shown, c.Safe.Index)
		}
		all = append(all, shown)
		return err
	}
	err := eachCursor(q.log, v, ident, add)
	slices.SortFunc(all, func(a, b view.Cursor) int { return cmp.Compare(a.Epoch, b.Epoch) })
	return all, err
}

// eachCursor reads the cursors among which are those that are asked for.
func eachCursor(log *eventlog.Log, v graph.Viewer, ident string, add func(eventlog.Cursor) error) error {
	if ident != "" {
		k, err := ResolveAuthkey(v, ident)
		if err != nil {
			return err
		}
		return log.Cursors(uint64(k.ID), add)
	}
	if v.CanSeeAll() {
		return log.Scan(eventlog.SpaceCursors, nil, nil, func(k, v []byte) error {
			c, err := eventlog.DecodeCursor(k, v)
			if err != nil {
				return err
			}
			return add(c)
		})
	}
	for k := range v.Graph().AuthkeysOf(v.User) {
		if err := log.Cursors(uint64(k.ID), add); err != nil {
			return err
		}
	}
	return nil
}

func viewCursor(log *eventlog.Log, k *graph.Authkey, c eventlog.Cursor) view.Cursor {
	v := view.Cursor{
		Authkey: k.Ident, Name: c.Name, Channel: c.Channel, Position: c.Safe.String(), Acked: c.Acked.String(),
		Held: c.Held, Epoch: c.Epoch, Created: c.Created, Updated: c.Updated,
	}
	if end := log.Applied() + 1; end > c.Safe.Index {
		v.Behind = end - max(c.Safe.Index, log.Floor())
	}
	v.Removed = c.Safe.Index < log.Floor()
	return v
}

// timeCursor adds when the entry at a cursor was written. The end was looked at before: what was applied meanwhile is
// not behind.
func timeCursor(log *eventlog.Log, v *view.Cursor, index uint64) error {
	e, err := log.Entry(index)
	switch {
	case err == nil:
		v.Next = optional(e.Appended)
	case errors.Is(err, eventlog.ErrBelowFloor):
		v.Removed, err = true, nil
	case errors.Is(err, eventlog.ErrNotFound):
		err = nil
	}
	return err
}
