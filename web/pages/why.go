package pages

import (
	"net/url"
	"strings"

	"hpfriends/graph"
	"hpfriends/query/view"
	"hpfriends/web/pages/gates"
)

type whyData = gates.Data

func (r *request) asker() gates.Asker {
	return gates.Asker{Query: r.Query, Actor: r.actor, Viewer: r.viewer, Handle: r.Handle(), Admin: r.mayAdminister()}
}

// why shows the gates between a publisher and a receiver. It has an address, so that it can be sent to a colleague.
func why(r *request) (any, error) {
	q := r.URL.Query()
	d := whyData{From: strings.TrimSpace(q.Get("from")), To: strings.TrimSpace(q.Get("to")), Channel: q.Get("channel")}
	if graph.Pattern(d.Channel).IsPrefix() {
		if err := d.Pick(r.Context(), r.asker()); err != nil {
			return nil, err
		}
	}
	if d.From == "" || d.To == "" || d.Channel == "" {
		return d, nil
	}
	x, err := explain(r, d)
	if err != nil {
		r.problem = r.Refusal(err)
		return d, nil
	}
	d.Open(r.asker(), x, r.past != nil)
	return d, nil
}

// whyOf is where it is told whether a share delivers.
func whyOf(from, to string, channel graph.Pattern) string {
	return "/why?" + url.Values{"from": {from}, "to": {to}, "channel": {string(channel)}}.Encode()
}

func explain(r *request, d whyData) (view.Explanation, error) {
	if r.past != nil {
		return r.Query.ExplainAt(r.actor, d.From, d.To, d.Channel, r.past.point)
	}
	return r.Query.Explain(r.actor, d.From, d.To, d.Channel)
}
