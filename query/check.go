package query

import (
	"context"
	"errors"

	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/query/view"
)

// CheckProgress is told the entry or event at hand, and of how many.
type CheckProgress func(what string, done, total uint64)

// Check reads the whole log and the whole audit, and reports the first thing that is not as it was written. The error
// is for what is not damage. progress, if not nil, is told the entry or event at hand, and of how many.
func Check(ctx context.Context, log *eventlog.Log, progress CheckProgress) (r view.CheckReport, err error) {
	if progress == nil {
		progress = func(string, uint64, uint64) {}
	}
	last, _ := log.Last()
	s, err := log.Verify(ctx, func(index uint64) { progress("entries", index, last) })
	r = view.CheckReport{
		Floor: s.Floor, Last: s.Last, Entries: s.Entries, Batches: s.Batches, Messages: s.Messages, Bytes: s.Bytes,
		Index: s.IndexKeys,
	}
	if eventlog.IsDamage(err) {
		r.Damage = err.Error()
		return r, nil
	}
	if err != nil {
		return r, err
	}
	audit, err := VerifyAudit(ctx, log, func(done, total uint64) { progress("changes", done, total) })
	var fault *eventlog.AuditError
	switch {
	case errors.As(err, &fault), eventlog.IsDamage(err):
		r.Damage = err.Error()
		return r, nil
	case err != nil:
		return r, err
	}
	r.Audit, r.Sound = &audit, true
	return r, nil
}

// Check checks the log of this node, for those who may see everything. One at a time.
func (q *Query) Check(ctx context.Context, viewer graph.Actor, progress CheckProgress) (view.CheckReport, error) {
	if !q.Viewer(viewer).CanSeeAll() {
		return view.CheckReport{}, refuse(graph.Denied, "ask one of them", "only auditors and admins may check the log")
	}
	if !q.verifying.TryLock() {
		return view.CheckReport{}, refuse(graph.Conflict, "try again when that is done", "a check is under way already")
	}
	defer q.verifying.Unlock()
	return Check(ctx, q.log, progress)
}
