package pages

import (
	"slices"
	"time"

	"hpfriends/graph"
	"hpfriends/query"
	"hpfriends/query/view"
	"hpfriends/web/pages/glance"
)

type homeData struct {
	Authkeys []view.Authkey
	Ailing   []glance.Ailment
	Waiting  []incomingRow
	Asking   []query.Asking // to join groups of which who asks is an admin
	Channels []channelRow   // the busiest of the day first
	Newest   []messageRow
	Refusals []view.LogRow
	Ending   []view.Token // soon
	Started  bool         // an event has arrived
}

// channelRow is a channel, and how busy it was.
type channelRow struct {
	view.Channel
	Day   uint64 // messages
	Spark glance.Spark
}

// Hour is how many messages there were in the last hour, the last point of the chart.
func (c channelRow) Hour() uint64 {
	if len(c.Spark) == 0 {
		return 0
	}
	return c.Spark[len(c.Spark)-1]
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
		if a := glance.AilmentOf(k, r.now); a.What != "" && len(d.Ailing) < few {
			d.Ailing = append(d.Ailing, a)
		}
	}
	for _, s := range r.Query.SharesWith(r.actor, r.actor.User) {
		if row := incomingRowOf(r, s); row.State == "waiting" && len(d.Waiting) < few {
			d.Waiting = append(d.Waiting, row)
		}
	}
	d.Asking = r.Query.Asking(r.actor)
	d.Asking = d.Asking[:min(len(d.Asking), few)]
	d.Ending = slices.DeleteFunc(r.Query.Tokens(r.actor, r.actor.User), func(t view.Token) bool { return !t.EndsSoon })
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
	others, err := r.Query.Channels(r.Context(), r.actor, "", "", 4*few)
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
