package query

import (
	"errors"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/query/view"
)

// Retained is for those who see everything; for others it is graph.ErrDenied.
func (q *Query) Retained(viewer graph.Actor) (r view.Retained, err error) {
	if !q.Viewer(viewer).CanSeeAll() {
		return r, refuse(graph.Denied, "", "the size of the log is for admins and auditors")
	}
	if r.Bytes, err = q.log.Retention().Size(); err != nil {
		return r, err
	}
	r.Floor = eventlog.Position{Index: q.log.Floor()}.String()
	r.DiskBytes, r.Reclaimed = q.log.Disk().Bytes(), q.log.Retention().Reclaimed()
	batches, err := q.log.Next(eventlog.Select("*"), 0, 1)
	if err != nil || len(batches) == 0 {
		return r, err
	}
	e, err := q.log.Entry(batches[0])
	if errors.Is(err, eventlog.ErrBelowFloor) { // it has just gone
		return r, nil
	}
	if err != nil {
		return r, err
	}
	h, err := entry.DecodeHeader(e.Data)
	if err != nil {
		return r, err
	}
	oldest := time.UnixMilli(h.Runs[0].Time).UTC()
	r.Oldest = &oldest
	return r, nil
}
