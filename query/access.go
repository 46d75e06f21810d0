package query

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/graph/explain"
	"hpfriends/query/past"
	"hpfriends/query/view"
)

// maxAccess bounds the rows of one answer.
const maxAccess = 10_000

// Access lists for each user who could publish on a channel everyone whom that reached, and how. Users see the rows in
// which they are the publisher or the reader; shares between others are told without names, as Explain does.
func (q *audits) Access(viewer graph.Actor, channel string, at past.Point) (view.Access, error) {
	if err := graph.ValidateChannel(channel); err != nil {
		return view.Access{}, err
	}
	p, err := q.At(viewer, at)
	if err != nil {
		return view.Access{}, err
	}
	a := view.Access{Version: p.Version, Channel: channel, Readers: []view.AccessPath{}}
	if !p.CanSeeAnything() {
		return a, nil
	}
	times := make(map[uint64]*time.Time) // of changes
	for _, origin := range publishers(p.Graph(), channel) {
		reach := p.Graph().Reach(origin, channel)
		for reader, from := range reach.All() {
			if !p.CanSeeAll() && origin != p.User && reader != p.User {
				continue
			}
			if len(a.Readers) == maxAccess {
				a.Truncated = true
				return a, nil
			}
			row := p.accessPath(reach, origin, reader, from)
			row.Since = q.timeOf(times, from)
			a.Readers = append(a.Readers, row)
		}
	}
	return a, nil
}

// timeOf is when a change was made, remembered in known; nil for the beginning, and for what the audit does not hold.
func (q *audits) timeOf(known map[uint64]*time.Time, index uint64) *time.Time {
	at, ok := known[index]
	if ok || index == 0 {
		return at
	}
	if v, err := q.history.Version(past.State{Mark: eventlog.AuditMark{Index: index}}); err == nil {
		at = v.Time
	}
	known[index] = at
	return at
}

func (p Moment) accessPath(reach *graph.Reach, origin, reader graph.UserID, from uint64) view.AccessPath {
	path := explain.Path(p.Graph(), reach, reader)
	row := view.AccessPath{
		Publisher: handle(p.Graph(), origin), Reader: handle(p.Graph(), reader), VisibleFrom: "#" + formatIndex(from),
		Path: []view.Hop{},
	}
	if p.CanSeeAll() || reader == p.User { // what an authkey may do is for its owner to know
		row.Subscribes = new(subscribes(p.Graph(), reader, reach.Channel()))
	}
	r := redaction{Viewer: p.Viewer, path: path}
	for _, h := range path {
		row.Path = append(row.Path, r.hop(h))
	}
	return row
}

// publishers are the users with an authkey that may publish on channel, by number.
func publishers(g *graph.Graph, channel string) []graph.UserID {
	found := make(map[graph.UserID]bool)
	for k := range g.Authkeys() {
		if g.MayPublish(k, channel) == nil {
			found[k.Owner] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func subscribes(g *graph.Graph, user graph.UserID, channel string) bool {
	for k := range g.AuthkeysOf(user) {
		if g.MaySubscribe(k, channel) == nil {
			return true
		}
	}
	return false
}

func formatIndex(index uint64) string { return strconv.FormatUint(index, 10) }
