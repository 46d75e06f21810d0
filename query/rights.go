package query

import (
	"hpfriends/eventlog"
	"hpfriends/graph"
)

// rights decides which past messages a viewer may read, by the newest graph.
type rights struct {
	newest func() *graph.Graph
	viewer graph.Actor
	graph  *graph.Graph
	view   *graph.View // of graph
}

// rightsLanes is how many pairs of origin and channel one reader remembers the reach of.
const rightsLanes = 1024

func newRights(newest func() *graph.Graph, viewer graph.Actor) rights {
	g := newest()
	return rights{newest, viewer, g, graph.NewView(g, rightsLanes)}
}

// renew takes the newest graph.
func (r *rights) renew() {
	if g := r.newest(); g != r.graph {
		r.graph = g
		r.view.Advance(g)
	}
}

// everything is whether the viewer may read all: the operator, unless they act as a user.
func (r *rights) everything() bool { return r.viewer.Operator && r.viewer.User == 0 }

// allow is whether the viewer may read a run of the entry at index.
func (r *rights) allow(run *eventlog.Run, index uint64) bool {
	if r.everything() {
		return true
	}
	from, ok := r.view.Reach(graph.UserID(run.Origin), run.Channel).VisibleFrom(r.viewer.User)
	return ok && from <= index
}
