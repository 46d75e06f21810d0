package query

import (
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/query/traffic"
)

// rights decides which past messages a viewer may read, by the newest graph.
type rights struct {
	newest func() *graph.Graph
	viewer graph.Actor
	graph  *graph.Graph
	memo   map[string]graph.Sources // of graph, by channel

	received *visibility // where nothing is enabled nothing of others comes, and no way needs to be looked for
}

// rightsChannels bounds what one reader remembers.
const rightsChannels = 4096

func newRights(newest func() *graph.Graph, viewer graph.Actor) rights {
	r := rights{newest: newest, viewer: viewer, memo: make(map[string]graph.Sources)}
	r.renew()
	return r
}

// renew takes the newest graph.
func (r *rights) renew() {
	if g := r.newest(); g != r.graph {
		r.graph, r.received = g, newReceived(g.Viewer(r.viewer), 0)
		clear(r.memo)
	}
}

// everything reports whether the viewer may read all: the operator, unless they act as a user.
func (r *rights) everything() bool { return r.viewer.Operator && r.viewer.User == 0 }

// allow reports whether the viewer may read a run of the entry at index.
func (r *rights) allow(run *entry.Run, index uint64) bool {
	if r.everything() {
		return true
	}
	of := traffic.Series{Channel: run.Channel, Origin: graph.UserID(run.Origin)}
	if of.Origin != r.viewer.User && !r.received.mayReach(of) {
		return false
	}
	sources, known := r.memo[run.Channel]
	if !known {
		if len(r.memo) >= rightsChannels {
			clear(r.memo)
		}
		sources = r.graph.Sources(r.viewer.User, run.Channel)
		r.memo[run.Channel] = sources
	}
	from, ok := sources.VisibleFrom(graph.UserID(run.Origin))
	return ok && from <= index
}
