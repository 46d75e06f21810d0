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

func (p *Pages) home(r *request) (any, error) {
	var d homeData
	var err error
	if d.Authkeys, err = p.Query.Authkeys(r.actor, r.actor.User); err != nil {
		return nil, err
	}
	for _, s := range p.Query.SharesWith(r.actor, r.actor.User) {
		if state := stateOfIncoming(s); state == "waiting" && len(d.Waiting) < few {
			via, _ := cutGroup(s.To)
			d.Waiting = append(d.Waiting, incomingRow{s, via, state})
		}
	}
	if d.Channels, err = p.Query.Channels(r.actor, "", "", few); err != nil {
		return nil, err
	}
	for _, k := range d.Authkeys {
		d.Started = d.Started || k.Stats != nil && k.Stats.Published > 0
	}
	d.Refusals, err = p.Query.Logs(r.actor, query.LogFilter{Limit: few})
	return d, err
}
