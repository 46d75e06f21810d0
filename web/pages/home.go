package pages

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hpfriends/graph"
	"hpfriends/query"
	"hpfriends/query/view"
)

type homeData struct {
	Authkeys []view.Authkey
	Ailing   []ailment
	Waiting  []incomingRow
	Channels []channelRow // the busiest of the day first
	Newest   []messageRow
	Refusals []view.LogRow
	Started  bool // an event has arrived
}

// channelRow is a channel, and how busy it was.
type channelRow struct {
	view.Channel
	Day   uint64 // messages
	Spark spark
}

// few is how many of each kind Home shows.
const few = 8

func home(r *request) (any, error) {
	var d homeData
	var err error
	if d.Authkeys, err = r.Query.Authkeys(r.actor, r.actor.User); err != nil {
		return nil, err
	}
	for _, k := range d.Authkeys {
		d.Started = d.Started || k.Stats != nil && k.Stats.Published > 0
		if a := ailmentOf(k, r.now); a.What != "" && len(d.Ailing) < few {
			d.Ailing = append(d.Ailing, a)
		}
	}
	for _, s := range r.Query.SharesWith(r.actor, r.actor.User) {
		if row := incomingRowOf(r, s); row.State == "waiting" && len(d.Waiting) < few {
			d.Waiting = append(d.Waiting, row)
		}
	}
	if d.Channels, err = r.busiest(); err != nil {
		return nil, err
	}
	_, _, err = newest(r, query.MessageFilter{Patterns: []graph.Pattern{"*"}}, few, func(m query.Message) bool {
		d.Newest = append(d.Newest, rowOf(m))
		return true
	})
	if err != nil {
		return nil, err
	}
	d.Refusals, err = r.Query.Logs(r.actor, query.LogFilter{Limit: few})
	return d, err
}

// busiest are the channels with the most messages of the last day, then others that the viewer may see.
func (r *request) busiest() (all []channelRow, err error) {
	rates, err := r.Query.Rates(r.Context(), r.actor, query.TimelineQuery{
		Patterns: []graph.Pattern{"*"}, Since: r.now.Add(-24 * time.Hour), Until: r.now, Buckets: 24,
	}, few)
	if err != nil {
		return nil, err
	}
	others, err := r.Query.Channels(r.actor, "", "", 4*few)
	for _, c := range rates.Channels {
		row := channelRow{c.Channel, c.Total, c.Messages}
		i := slices.IndexFunc(others, func(o view.Channel) bool { return o.Name == c.Name })
		if i >= 0 {
			row.Channel = others[i]
			others = slices.Delete(others, i, i+1)
		}
		all = append(all, row)
	}
	for _, c := range others {
		if len(all) < few {
			all = append(all, channelRow{Channel: c})
		}
	}
	return all, err
}

// spark is a small chart of counts.
type spark []uint64

const sparkWidth, sparkHeight = 96, 20

// Points are those of a line in a picture of sparkWidth by sparkHeight.
func (s spark) Points() string {
	most := slices.Max(append(slices.Clone(s), 1))
	var b strings.Builder
	for i, n := range s {
		x := float64(i) * sparkWidth / float64(max(len(s)-1, 1))
		y := sparkHeight - 1 - float64(n)*(sparkHeight-2)/float64(most)
		fmt.Fprintf(&b, "%.1f,%.1f ", x, y)
	}
	return strings.TrimSpace(b.String())
}

// ailment is what an authkey suffers from.
type ailment struct {
	view.Authkey
	What string // a sentence; empty: it is well
	When *time.Time
}

// soon is how long before it expires one is told of it; silent is how long a sensor is quiet before one wonders.
const (
	soon   = 7 * 24 * time.Hour
	silent = 24 * time.Hour
)

func ailmentOf(k view.Authkey, now time.Time) ailment {
	s := view.Stats{}
	if k.Stats != nil {
		s = *k.Stats
	}
	switch {
	case !k.Enabled:
		return ailment{k, "It is disabled.", nil}
	case k.Expires != nil && k.Expires.Before(now):
		return ailment{k, "It has expired:", k.Expires}
	case k.Expires != nil && k.Expires.Sub(now) < soon:
		return ailment{k, "It will expire:", k.Expires}
	case k.OldUntil != nil && k.OldUntil.After(now) && s.OldSecretSeen != nil:
		return ailment{k, "Something still uses its old secret, which will end:", k.OldUntil}
	case s.LastSeen == nil:
		return ailment{k, "Nothing has used it yet.", nil}
	case len(k.Pub) > 0 && now.Sub(*s.LastSeen) > silent:
		return ailment{k, "It is silent; it was last seen:", s.LastSeen}
	}
	return ailment{}
}
