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

// from returns the first index from which on the viewer may see a series, if they may at all.
func (v *visibility) from(s traffic.Series) (index uint64, ok bool) {
	switch {
	case !v.CanSeeAnything():
		return 0, false
	case v.all || s.Origin == v.User:
		return v.floor, true
	}
	index, ok = v.rights.VisibleFrom(s.Origin, s.Channel)
	return max(index, v.floor), ok
}

// origins are all of whom the viewer may see something.
func (v *visibility) origins() []graph.UserID {
	of := []graph.UserID{v.User}
	for _, o := range v.rights.Within("") {
		of = append(of, graph.UserID(o))
	}
	return of
}

// visible calls fn, in their order, for each series in a range of which the viewer may see a message, with the index
// from which on they do. want, if not nil, says whether a channel is of interest.
func (q *channels) visible(
	ctx context.Context, v *visibility, in traffic.Range, want func(channel string) bool,
	fn func(r traffic.Row, from uint64) error,
) error {
	channel, wanted := "", want == nil || want("")
	asked := traffic.Asked{Origins: v.origins, Wants: func(s traffic.Series) bool {
		if want != nil && s.Channel != channel {
			channel, wanted = s.Channel, want(s.Channel)
		}
		if !wanted {
			return false
		}
		_, ok := v.from(s)
		return ok
	}}
	if v.all {
		asked.Origins = nil
	}
	return q.traffic.Rows(ctx, in, asked, func(r traffic.Row) error {
		if from, _ := v.from(r.Series); from <= r.All.Newest.Index {
			return fn(r, from)
		}
		return nil // all that they might see is gone, or not there yet
	})
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
	flush := func() error {
		if len(at.series) == 0 {
			return nil
		}
		return fn(&at)
	}
	err := q.visible(ctx, v, in, want, func(r traffic.Row, from uint64) error {
		if r.Channel != at.name {
			if err := flush(); err != nil {
				return err
			}
			at = visibleChannel{name: r.Channel}
		}
		at.series = append(at.series, visibleSeries{r, from})
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}
