package query

import (
	"context"
	"errors"
	"time"

	"hpfriends/graph"
	"hpfriends/query/past"
	"hpfriends/query/view"
)

// moment is what a viewer may see of the graph as of a point, by the rights that they have now.
type moment struct {
	graph.Viewer
	version view.Version
}

func (q *audits) asOf(viewer graph.Actor, at past.Point) (moment, error) {
	c, err := q.resolve(at)
	if err != nil {
		return moment{}, err
	}
	s, err := q.history.At(c.Index)
	if err != nil {
		return moment{}, err
	}
	version, err := q.history.Version(s)
	return moment{q.Viewer(viewer).At(s.Graph), version}, err
}

// resolve finds where a point falls among the changes. A graph is published just before its change is recorded: who
// was answered by the graph finds the change here.
func (q *audits) resolve(at past.Point) (past.Cut, error) {
	if newest := q.graph().Index(); q.log.Applied() < newest {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := q.log.Wait(ctx, newest-1); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return past.Cut{}, err
		}
	}
	return q.history.Resolve(at)
}

// LastUpTo is the log index of the newest change that is stamped up to a time, unless one that is far behind its
// neighbours' was; 0 if there is none.
func (q *audits) LastUpTo(at time.Time) (uint64, error) {
	c, err := q.history.CutAt(at)
	return c.Last, err
}

// At returns the graph as of a point.
func (q *audits) At(viewer graph.Actor, at past.Point) (view.AsOf, error) {
	p, err := q.asOf(viewer, at)
	if err != nil {
		return view.AsOf{}, err
	}
	v := view.AsOf{
		Version: p.version, Users: viewUsers(p.Viewer), Groups: viewGroups(p.Viewer),
		Shares: viewShares(p.Viewer, visibleShares(p.Viewer)), Authkeys: []view.Authkey{},
	}
	for k := range visibleAuthkeys(p.Viewer, 0) {
		v.Authkeys = append(v.Authkeys, viewAuthkey(p.Graph(), k))
	}
	return v, nil
}

// DiffBetween returns how the graph as of one point differs from that of a later one, as far as it concerns the viewer.
func (q *audits) DiffBetween(viewer graph.Actor, from, to past.Point) (view.AuditDiff, error) {
	first, err := q.resolve(from)
	if err != nil {
		return view.AuditDiff{}, err
	}
	second, err := q.resolve(to)
	if err != nil {
		return view.AuditDiff{}, err
	}
	if first.Index > second.Index {
		return view.AuditDiff{}, refuse(graph.Invalid, "put the earlier one first", "the first moment is after the second")
	}
	// The earlier one first, so that the later graph is made from it and shares what did not change.
	before, err := q.history.At(first.Index)
	if err != nil {
		return view.AuditDiff{}, err
	}
	after, err := q.history.At(second.Index)
	if err != nil {
		return view.AuditDiff{}, err
	}
	d := view.AuditDiff{Changes: auditViewer{q.Viewer(viewer)}.changes(before.Graph, after.Graph)}
	if d.From, err = q.history.Version(before); err == nil {
		d.To, err = q.history.Version(after)
	}
	return d, err
}
