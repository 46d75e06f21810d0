package pages

import "hpfriends/query/view"

type whyData struct {
	From, To, Channel string
	Explanation       *view.Explanation // nil: nothing was asked yet
}

// why shows the gates between a publisher and a receiver. It has an address, so that it can be sent to a colleague.
func why(r *request) (any, error) {
	q := r.URL.Query()
	d := whyData{From: q.Get("from"), To: q.Get("to"), Channel: q.Get("channel")}
	if d.From == "" && d.To == "" && d.Channel == "" {
		return d, nil
	}
	x, err := explain(r, d)
	if err != nil {
		r.problem = r.Refusal(err)
		return d, nil
	}
	d.Explanation = &x
	return d, nil
}

func explain(r *request, d whyData) (view.Explanation, error) {
	if r.past != nil {
		return r.Query.ExplainAt(r.actor, d.From, d.To, d.Channel, r.past.point)
	}
	return r.Query.Explain(r.actor, d.From, d.To, d.Channel)
}
