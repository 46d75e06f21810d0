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
}

func (s state) version() view.Version {
	v := view.Version{Position: "#" + formatIndex(s.mark.Index)}
	if s.mark.Index != 0 {
		v.Time = optional(s.mark.When())
	}
	return v
}

func (q *audits) asOf(viewer graph.Actor, at Point) (past, error) {
	index, err := q.resolve(at)
	if err != nil {
		return past{}, err
	}
	s, err := q.history.at(index)
	if err != nil {
		return past{}, err
	}
	return past{s, q.Viewer(viewer).At(s.graph)}, nil
}

// resolve finds the index of the newest change at a point. A graph is published just before its change is recorded: who
// was answered by the graph finds the change here.
func (q *audits) resolve(at Point) (uint64, error) {
	if newest := q.graph().Index(); q.log.Applied() < newest {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := q.log.Wait(ctx, newest-1); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return 0, err
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
		Version: p.version(), Users: viewUsers(p.Viewer), Groups: viewGroups(p.Viewer),
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
	if first > second {
		return view.AuditDiff{}, refuse(graph.Invalid, "put the earlier one first", "the first moment is after the second")
	}
	before, err := q.history.at(first) // first, so that the later graph is made from it and shares what did not change
	if err != nil {
		return view.AuditDiff{}, err
	}
	after, err := q.history.at(second)
	if err != nil {
		return view.AuditDiff{}, err
	}
	changes := auditViewer{q.Viewer(viewer)}.changes(before.graph, after.graph)
	return view.AuditDiff{From: before.version(), To: after.version(), Changes: changes}, nil
}
