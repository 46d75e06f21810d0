package query

import (
	"hpfriends/graph"
)

// Explanation is graph.Explanation with names.
type Explanation struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Channel string `json:"channel"`
	Flows   bool   `json:"flows"`
	Gates   []Gate `json:"gates" doc:"every condition, in order"`
	Path    []Hop  `json:"path" doc:"the shares it takes, or those that lack least"`
}

// Gate is one condition.
type Gate struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty" doc:"the command that opens it"`
}

// Hop is one share on the path.
type Hop struct {
	Share    graph.ShareID   `json:"share,omitempty" doc:"0: it is between others, and only ok is told"`
	Owner    string          `json:"owner,omitempty"`
	Receiver string          `json:"receiver,omitempty"`
	Group    string          `json:"group,omitempty"`
	Type     graph.ShareType `json:"type,omitempty"`
	Accepted bool            `json:"accepted"`
	OK       bool            `json:"ok"`
}

// Explain says whether what one user publishes on a channel reaches another. It is for the two, and for those who may
// see everything; the idents of the other, and what lies between the two and belongs to others, is told without names.
func (q *Query) Explain(viewer graph.Actor, from, to, channel string) (Explanation, error) {
	return explain(q.Viewer(viewer), from, to, channel)
}

// ExplainAt is Explain as of a point. It names no fixes: the past stays as it is.
func (q *Query) ExplainAt(viewer graph.Actor, from, to, channel string, at Point) (Explanation, error) {
	then, err := q.asOf(viewer, at)
	if err != nil {
		return Explanation{}, err
	}
	x, err := explain(then.Viewer, from, to, channel)
	for i := range x.Gates {
		x.Gates[i].Fix = ""
	}
	return x, err
}

func explain(v graph.Viewer, from, to, channel string) (Explanation, error) {
	f, err := ResolveUser(v, from)
	if err != nil {
		return Explanation{}, err
	}
	t, err := ResolveUser(v, to)
	if err != nil {
		return Explanation{}, err
	}
	if !v.CanSeeAll() && v.User != f.ID && v.User != t.ID {
		return Explanation{}, refuse(graph.Denied, "ask about yourself",
			"explain answers the publisher, the receiver, auditors and admins")
	}
	x := v.Graph().Explain(f.ID, t.ID, channel)
	e := Explanation{From: f.Handle, To: t.Handle, Channel: channel, Flows: x.Flows, Gates: []Gate{}, Path: []Hop{}}
	r := redaction{v, f, t, x.Path}
	for _, gate := range x.Gates {
		e.Gates = append(e.Gates, r.gate(Gate(gate)))
	}
	for _, h := range x.Path {
		e.Path = append(e.Path, r.hop(h))
	}
	return e, nil
}
