package query

import (
	"context"

	"hpfriends/graph"
	"hpfriends/history"
	"hpfriends/query/traffic"
)

// visibility says which messages of the log one viewer may see, by one version of the graph.
type visibility struct {
	graph.Viewer
	floor  uint64
	all    bool // everything
	rights *history.Rights
}

func newVisibility(viewer graph.Viewer, floor uint64) *visibility {
	v := newReceived(viewer, floor)
	v.all = viewer.CanSeeAll()
	return v
}

// newReceived leaves out what only a role shows.
func newReceived(viewer graph.Viewer, floor uint64) *visibility {
	return &visibility{Viewer: viewer, floor: floor, rights: history.NewRights(viewer.Graph(), viewer.User)}
}

// from returns the first index from which on the viewer may see a series, if they may see any of it.
func (v *visibility) from(r traffic.Row) (index uint64, ok bool) {
	switch {
	case !v.CanSeeAnything() || r.All.Newest.Index < v.floor:
		return 0, false
	case v.all || r.Origin == v.User:
		return v.floor, true
	}
	index, ok = v.rights.VisibleFrom(r.Origin, r.Channel)
	if index > r.All.Newest.Index {
		return 0, false
	}
	return max(index, v.floor), ok
}

// visibleChannel is one channel and what of it the viewer may see.
type visibleChannel struct {
	name   string
	series []visibleSeries
}

type visibleSeries struct {
	traffic.Row
	from uint64 // index
}

// newest is the newest message that the viewer may see.
func (c *visibleChannel) newest() traffic.Mark {
	var m traffic.Mark
	for _, s := range c.series {
		if s.All.Newest.Compare(m.Position) >= 0 {
			m = s.All.Newest
		}
	}
	return m
}

// each calls fn, by name, for each channel in a range of which the viewer may see a message. want, if not nil, says
// first whether the channel is of interest. It ends with ctx: whoever has left waits for nothing.
func (q *channels) each(
	ctx context.Context, viewer graph.Actor, in traffic.Range, want func(name string) bool, fn func(*visibleChannel) error,
) error {
	v := newVisibility(q.Viewer(viewer), q.log.Floor())
	if !v.CanSeeAnything() {
		return nil
	}
	var at visibleChannel
	wanted := false
	flush := func() error {
		if len(at.series) == 0 {
			return nil
		}
		return fn(&at)
	}
	err := q.traffic.Rows(ctx, in, func(r traffic.Row) error {
		if r.Channel != at.name {
			if err := flush(); err != nil {
				return err
			}
			at = visibleChannel{name: r.Channel}
			wanted = want == nil || want(r.Channel)
		}
		if !wanted {
			return nil
		}
		if index, ok := v.from(r); ok {
			at.series = append(at.series, visibleSeries{r, index})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}
