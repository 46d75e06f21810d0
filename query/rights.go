package query

import (
	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/history"
)

// rights decides which past messages a viewer may read, by the newest graph.
type rights struct {
	node   *node
	viewer graph.Actor
	by     *graph.Graph
	user   *history.Rights
}

func newRights(n *node, viewer graph.Actor) rights {
	r := rights{node: n, viewer: viewer}
	r.renew()
	return r
}

// renew takes the newest graph, and reports whether it is another one.
func (r *rights) renew() bool {
	g := r.node.Graph()
	if g == r.by {
		return false
	}
	r.by, r.user = g, r.node.memo.Rights(g, r.viewer.User)
	return true
}

// everything reports whether the viewer may read all: the operator, unless they act as a user.
func (r *rights) everything() bool { return r.viewer.Operator && r.viewer.User == 0 }

// selector is what of some patterns the viewer may read.
func (r *rights) selector(patterns []graph.Pattern) eventlog.Selector {
	if r.everything() {
		return history.Select(patterns, nil)
	}
	return history.Select(patterns, r.user)
}

// allow reports whether the viewer may read a run of the entry at index.
func (r *rights) allow(run *entry.Run, index uint64) bool {
	if r.everything() {
		return true
	}
	from, ok := r.user.VisibleFrom(graph.UserID(run.Origin), run.Channel)
	return ok && from <= index
}
