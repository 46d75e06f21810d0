package pages

import (
	"hpfriends/query"
	"hpfriends/query/view"
)

type homeData struct {
	Authkeys []view.Authkey
	Waiting  []incomingRow
	Channels []view.Channel
	Refusals []view.LogRow
	Started  bool // an event has arrived
}

// few is how many of each kind Home shows.
const few = 8

func home(r *request) (any, error) {
	var d homeData
	var err error
	if d.Authkeys, err = r.Query.Authkeys(r.actor, r.actor.User); err != nil {
		return nil, err
	}
	for _, s := range r.Query.SharesWith(r.actor, r.actor.User) {
		if row := incomingRowOf(r, s); row.State == "waiting" && len(d.Waiting) < few {
			d.Waiting = append(d.Waiting, row)
		}
	}
	if d.Channels, err = r.Query.Channels(r.actor, "", "", few); err != nil {
		return nil, err
	}
	for _, k := range d.Authkeys {
		d.Started = d.Started || k.Stats != nil && k.Stats.Published > 0
	}
	d.Refusals, err = r.Query.Logs(r.actor, query.LogFilter{Limit: few})
	return d, err
}
