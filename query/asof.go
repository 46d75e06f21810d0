package query

import (
	"context"
	"errors"
	"time"

	"hpfriends/graph"
	"hpfriends/query/view"
)

// past is the graph as of a point, and what a viewer may see of it by the rights that they have now.
type past struct {
	state
	graph.Viewer
	version view.Version
}

func (q *audits) asOf(viewer graph.Actor, at Point) (past, error) {
	c, err := q.resolve(at)
	if err != nil {
		return past{}, err
	}
	s, err := q.history.at(c.index)
	if err != nil {
		return past{}, err
	}
	version, err := q.history.version(s)
	return past{s, q.Viewer(viewer).At(s.graph), version}, err
}

// resolve finds where a point falls among the changes. A graph is published just before its change is recorded: who
// was answered by the graph finds the change here.
func (q *audits) resolve(at Point) (cut, error) {
	if newest := q.graph().Index(); q.log.Applied() < newest {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := q.log.Wait(ctx, newest-1); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return cut{}, err
		}
	}
	return q.history.resolve(at)
}

// At returns the graph as of a point.
func (q *audits) At(viewer graph.Actor, at Point) (view.AsOf, error) {
	p, err := q.asOf(viewer, at)
	if err != nil {
		return view.AsOf{}, err
	}
	v := view.AsOf{
		Version: p.version, Users: viewUsers(p.Viewer), Groups: viewGroups(p.Viewer),
		Shares: viewShares(p.Viewer, visibleShares(p.Viewer)), Authkeys: []view.Authkey{},
	}
	for k := range visibleAuthkeys(p.Viewer, 0) {
		v.Authkeys = append(v.Authkeys, viewAuthkey(p.graph, k))
	}
	return v, nil
}

// DiffBetween returns how the graph as of one point differs from that of a later one, as far as it concerns the viewer.
func (q *audits) DiffBetween(viewer graph.Actor, from, to Point) (view.AuditDiff, error) {
	first, err := q.resolve(from)
	if err != nil {
		return view.AuditDiff{}, err
	}
	second, err := q.resolve(to)
	if err != nil {
		return view.AuditDiff{}, err
	}
	if first.index > second.index {
		return view.AuditDiff{}, refuse(graph.Invalid, "put the earlier one first", "the first moment is after the second")
	}
	// The earlier one first, so that the later graph is made from it and shares what did not change.
	before, err := q.history.at(first.index)
	if err != nil {
		return view.AuditDiff{}, err
	}
	after, err := q.history.at(second.index)
	if err != nil {
		return view.AuditDiff{}, err
	}
	d := view.AuditDiff{Changes: auditViewer{q.Viewer(viewer)}.changes(before.graph, after.graph)}
	if d.From, err = q.history.version(before); err == nil {
		d.To, err = q.history.version(after)
	}
	return d, err
}
