package query

import (
	"errors"
	"time"

	"hpfriends/eventlog"
	"hpfriends/graph"
)

// Channel is a channel of which the log holds a message that the viewer may see.
type Channel struct {
	Name     string    `json:"name"`
	Last     time.Time `json:"last" doc:"time of the newest message that the viewer may see"`
	Position string    `json:"position" doc:"where it is in the log: #<index>.<offset>"`
}

// lookBack is how many of the newest entries are searched for a message on a channel that the viewer may see, and maxLooks
// how many may be read for all channels of one answer: a look at what is going on, not a search.
const (
	lookBack = 128
	maxLooks = 2048
)

var errEnough = errors.New("query: enough channels")

// Channels are channels that begin with prefix and come after one by name: to those who see everything all, to users those
// on which they have published or would receive one of the newest messages. A limit of 0 is none.
func (q *Query) Channels(viewer graph.Actor, prefix, after string, limit int) ([]Channel, error) {
	l := looker{g: q.graph(), log: q.log, viewer: viewer}
	l.all = l.g.CanSeeAll(viewer)
	found := []Channel{}
	if self, ok := l.g.User(viewer.User); !l.all && (!ok || !l.g.CanSeeUser(viewer, self)) {
		return found, nil
	}
	err := q.log.Channels(prefix, func(name string, newest uint64) error {
		if name <= after {
			return nil
		}
		if limit > 0 && len(found) == limit || l.looks >= maxLooks {
			return errEnough
		}
		c, err := l.newest(name, newest)
		if c != nil {
			found = append(found, *c)
		}
		return err
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return found, err
}

// looker looks into the newest entries of channels, for one viewer.
type looker struct {
	g      *graph.Graph
	log    *eventlog.Log
	viewer graph.Actor
	all    bool // the viewer sees everything
	looks  int
}

// newest finds the newest message on a channel that the viewer may see, if it is in one of the newest entries.
func (l *looker) newest(channel string, index uint64) (*Channel, error) {
	from := uint64(0)
	if index > lookBack {
		from = index - lookBack
	}
	// Next goes upwards; the window is small enough to take it whole and look at it from its end.
	indexes, err := l.log.Next(eventlog.Selector{Exact: []string{channel}}, from, lookBack+1)
	for i := len(indexes) - 1; i >= 0 && err == nil; i-- {
		l.looks++
		b, err := l.log.Batch(indexes[i])
		if errors.Is(err, eventlog.ErrBelowFloor) || errors.Is(err, eventlog.ErrNotBatch) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if r := l.lastRun(b, channel, indexes[i]); r != nil {
			at := eventlog.Position{Index: indexes[i], Offset: r.First + r.Count - 1}
			return &Channel{Name: channel, Last: time.UnixMilli(r.Time).UTC(), Position: at.String()}, nil
		}
	}
	return nil, err
}

// lastRun is the last run of a batch on a channel that the viewer may see: their own, or of an origin that reaches them.
func (l *looker) lastRun(b *eventlog.Batch, channel string, index uint64) *eventlog.Run {
	for i := len(b.Runs) - 1; i >= 0; i-- {
		r := &b.Runs[i]
		if r.Channel != channel {
			continue
		}
		if l.all || graph.UserID(r.Origin) == l.viewer.User {
			return r
		}
		if from, ok := l.g.Reach(graph.UserID(r.Origin), channel).VisibleFrom(l.viewer.User); ok && from <= index {
			return r
		}
	}
	return nil
}
