package query

import (
	"context"
	"errors"
	"time"

	"hpfriends/graph"
	"hpfriends/query/past"
	"hpfriends/query/view"
)

// Moment is what a viewer may see of the graph as of a point, by the rights that they have now. Its lists are made when
// they are asked for.
type Moment struct {
	graph.Viewer
	view.Version
}

// At returns the graph as of a point.
func (q *audits) At(viewer graph.Actor, at past.Point) (Moment, error) {
	c, err := q.resolve(at)
	if err != nil {
		return Moment{}, err
	}
	s, err := q.history.At(c.Index)
	if err != nil {
		return Moment{}, err
	}
	version, err := q.history.Version(s)
	return Moment{q.Viewer(viewer).At(s.Graph), version}, err
}

// AsOf is all of it.
func (m Moment) AsOf() view.AsOf {
	return view.AsOf{
		Version: m.Version, Users: viewUsers(m.Viewer), Groups: m.Groups(), Shares: m.Shares(), Authkeys: m.Authkeys(),
	}
}

// Group finds one of those by its name.
func (m Moment) Group(name string) (view.Group, bool) {
	gr, ok := m.Graph().GroupByName(name) // in any case of its letters
	if !ok || gr.Name != name || !m.CanSeeGroup(gr) {
		return view.Group{}, false
	}
	return viewGroup(m.Viewer, gr, gr.ID != graph.Everyone), true
}

// Groups are those that the viewer may see.
func (m Moment) Groups() []view.Group { return viewGroups(m.Viewer) }

// Shares are those that the viewer may see.
func (m Moment) Shares() []view.Share { return viewShares(m.Viewer, visibleShares(m.Viewer)) }

// Authkeys are those that the viewer may see.
func (m Moment) Authkeys() []view.Authkey {
	all := []view.Authkey{}
	for k := range visibleAuthkeys(m.Viewer, 0) {
		all = append(all, viewAuthkey(m.Graph(), k))
	}
	return all
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
	differences := graph.Diff(before.Graph, after.Graph)
	d := view.AuditDiff{Changes: auditViewer{q.Viewer(viewer)}.changes(differences, before.Graph, after.Graph)}
	if d.From, err = q.history.Version(before); err == nil {
		d.To, err = q.history.Version(after)
	}
	return d, err
}
