package query

import (
	"context"
	"errors"
	"time"

	"hpfriends/graph"
)

// AsOf is the graph as of a point in its history, as far as the viewer may see it by the rights they have now.
type AsOf struct {
	Version
	Users    []User    `json:"users"`
	Groups   []Group   `json:"groups"`
	Shares   []Share   `json:"shares"`
	Authkeys []Authkey `json:"authkeys"`
}

// Version identifies a version of the graph by its newest change.
type Version struct {
	Position string     `json:"position" doc:"of the newest change up to then; #0 before the first"`
	Time     *time.Time `json:"time,omitempty" doc:"of that change"`
}

// past is the graph as of a point, and what a viewer may see of it by the rights that they have now.
type past struct {
	state
	graph.Viewer
}

func (s state) version() Version {
	v := Version{Position: "#" + formatIndex(s.mark.Index)}
	if s.mark.Index != 0 {
		v.Time = optional(s.mark.When())
	}
	return v
}

func (q *Query) asOf(viewer graph.Actor, at Point) (past, error) {
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
func (q *Query) resolve(at Point) (uint64, error) {
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
func (q *Query) At(viewer graph.Actor, at Point) (AsOf, error) {
	p, err := q.asOf(viewer, at)
	if err != nil {
		return AsOf{}, err
	}
	v := AsOf{
		Version: p.version(), Users: viewUsers(p.Viewer), Groups: viewGroups(p.Viewer),
		Shares: viewShares(p.Viewer, visibleShares(p.Viewer)), Authkeys: []Authkey{},
	}
	for k := range visibleAuthkeys(p.Viewer, 0) {
		v.Authkeys = append(v.Authkeys, viewAuthkey(p.graph, k))
	}
	return v, nil
}

// AuditDiff is what lies between two points.
type AuditDiff struct {
	From    Version       `json:"from"`
	To      Version       `json:"to"`
	Changes []AuditChange `json:"changes" doc:"what is not alike, by kind and number"`
}

// DiffBetween returns how the graph as of one point differs from that of a later one, as far as it concerns the viewer.
func (q *Query) DiffBetween(viewer graph.Actor, from, to Point) (AuditDiff, error) {
	first, err := q.resolve(from)
	if err != nil {
		return AuditDiff{}, err
	}
	second, err := q.resolve(to)
	if err != nil {
		return AuditDiff{}, err
	}
	if first > second {
		return AuditDiff{}, refuse(graph.Invalid, "put the earlier one first", "the first moment is after the second")
	}
	before, err := q.history.at(first) // first, so that the later graph is made from it and shares what did not change
	if err != nil {
		return AuditDiff{}, err
	}
	after, err := q.history.at(second)
	if err != nil {
		return AuditDiff{}, err
	}
	changes := auditViewer{q.Viewer(viewer)}.changes(before.graph, after.graph)
	return AuditDiff{before.version(), after.version(), changes}, nil
}
