package query

import (
	"cmp"
	"context"

	"hpfriends/eventlog"
	"hpfriends/graph"
)

func compare[T cmp.Ordered](a, b T) int { return cmp.Compare(a, b) }

// sight is which messages of the log one viewer may see, by one version of the graph.
type sight struct {
	g       *graph.Graph
	viewer  graph.Actor
	floor   uint64
	nothing bool
	all     bool
	enabled []*graph.Share // shares with the viewer that the viewer has enabled: without one, nothing of others comes
}

func (q *Query) sight(viewer graph.Actor) *sight {
	g := q.graph()
	s := &sight{g: g, viewer: viewer, floor: q.log.Floor(), all: g.CanSeeAll(viewer)}
	if s.all {
		return s
	}
	if self, ok := g.User(viewer.User); !ok || !g.CanSeeUser(viewer, self) {
		s.nothing = true // nobody, or disabled
		return s
	}
	for share, on := range g.SharesWith(viewer.User) {
		if on && !share.Expired {
			s.enabled = append(s.enabled, share)
		}
	}
	return s
}

// from is the first index from which on the viewer may see what the lane got, if they may see any of it.
func (s *sight) from(r row) (index uint64, ok bool) {
	switch {
	case s.nothing || r.all.newest.Index < s.floor:
		return 0, false
	case s.all:
		return s.floor, true
	case r.origin != s.viewer.User && !s.concerned(r.lane):
		return 0, false
	}
	index, ok = s.g.Reach(r.origin, r.channel).VisibleFrom(s.viewer.User)
	if index > r.all.newest.Index {
		return 0, false
	}
	return max(index, s.floor), ok
}

// concerned is whether a share could be the last of a path from the lane's origin: it saves computing most reaches.
func (s *sight) concerned(l lane) bool {
	for _, share := range s.enabled {
		if (share.Type == graph.All || share.Owner == l.origin) && share.Channel.Match(l.channel) {
			return true
		}
	}
	return false
}

// seen is one channel and what of it the viewer may see.
type seen struct {
	name  string
	lanes []seenLane
}

type seenLane struct {
	row
	from uint64
}

// newest is the newest message that the viewer may see.
func (c *seen) newest() place {
	var p place
	for _, l := range c.lanes {
		if l.all.newest.Compare(p.Position) >= 0 {
			p = l.all.newest
		}
	}
	return p
}

// channels calls fn, by name, for each channel in a part of the lanes' records of which the viewer may see a message. want,
// if not nil, says first whether the channel is of interest.
func (q *Query) channels(viewer graph.Actor, in keyRange, want func(name string) bool, fn func(*seen) error) error {
	s := q.sight(viewer)
	if s.nothing {
		return nil
	}
	var at seen
	wanted := false
	flush := func() error {
		if len(at.lanes) == 0 {
			return nil
		}
		return fn(&at)
	}
	err := q.traffic.rows(context.Background(), in.from, in.to, func(r row) error {
		if r.channel != at.name {
			if err := flush(); err != nil {
				return err
			}
			at = seen{name: r.channel}
			wanted = want == nil || want(r.channel)
		}
		if !wanted {
			return nil
		}
		if index, ok := s.from(r); ok {
			at.lanes = append(at.lanes, seenLane{r, index})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

// keyRange is a part of the lanes' records.
type keyRange struct{ from, to []byte }

// channelsFrom are the channels that begin with prefix and come after one by name; "" is before all.
func channelsFrom(prefix, after string) keyRange {
	from := eventlog.AppendChannelPrefix([]byte{recordLane}, prefix)
	r := keyRange{from, upTo(from)}
	if behind := append(eventlog.AppendChannelPrefix([]byte{recordLane}, after), 0, 2); after != "" && string(behind) > string(from) {
		r.from = behind // all keys of the channel: its end is 00 01
	}
	return r
}

func exactly(channel string) keyRange {
	from := eventlog.AppendChannel([]byte{recordLane}, channel)
	return keyRange{from, upTo(from)}
}

// upTo is the smallest key above all that begin with prefix, which begins with a record byte and so is never all ff.
func upTo(prefix []byte) []byte {
	end := append([]byte{}, prefix...)
	for i := len(end) - 1; ; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
}
