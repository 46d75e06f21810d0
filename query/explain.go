package query

import (
	"hpfriends/graph"
	"hpfriends/graph/explain"
	"hpfriends/query/past"
	"hpfriends/query/view"
)

// Explain says whether what one user publishes on a channel reaches another. It is for the two, and for those who may
// see everything. What the other's authkeys may do is not told at all, so neither does it count in whether it flows;
// what lies between the two and belongs to others is told without names.
func (q *Query) Explain(viewer graph.Actor, from, to, channel string) (view.Explanation, error) {
	return explained(q.Viewer(viewer), from, to, channel)
}

// ExplainAt is Explain as of a point. It names no fixes: the past stays as it is.
func (q *audits) ExplainAt(viewer graph.Actor, from, to, channel string, at past.Point) (view.Explanation, error) {
	then, err := q.At(viewer, at)
	if err != nil {
		return view.Explanation{}, err
	}
	x, err := explained(then.Viewer, from, to, channel)
	for i := range x.Gates {
		x.Gates[i].Fix = ""
	}
	return x, err
}

func explained(v graph.Viewer, from, to, channel string) (view.Explanation, error) {
	f, err := ResolveUser(v, from)
	if err != nil {
		return view.Explanation{}, err
	}
	t, err := ResolveUser(v, to)
	if err != nil {
		return view.Explanation{}, err
	}
	if !v.CanSeeAll() && v.User != f.ID && v.User != t.ID {
		return view.Explanation{}, refuse(graph.Denied, "ask about yourself",
			"explain answers the publisher, the receiver, auditors and admins")
	}
	x := explain.Delivery(v.Graph(), f.ID, t.ID, channel)
	e := view.Explanation{
		From: f.Handle, To: t.Handle, Channel: channel, Gates: []view.Gate{}, Path: []view.Hop{},
	}
	r := redaction{v, f, t, x.Path}
	e.Flows = true
	for _, gate := range x.Gates {
		g := r.gate(view.Gate{Name: gate.Name, OK: gate.OK, Detail: gate.Detail, Fix: gate.Fix})
		e.Flows = e.Flows && !g.Closed()
		e.Gates = append(e.Gates, g)
	}
	for _, h := range x.Path {
		e.Path = append(e.Path, r.hop(h))
	}
	return e, nil
}
