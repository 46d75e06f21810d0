package query

import (
	"fmt"

	"hpfriends/graph"
	"hpfriends/query/view"
)

// redaction takes out of an explanation what the viewer may not know: the idents of the other, and shares between
// others.
type redaction struct {
	graph.Viewer
	from, to *graph.User
	path     []graph.Hop
}

func (r redaction) gate(gate view.Gate) view.Gate {
	if r.CanSeeAll() {
		return gate
	}
	hide := func(format string, args ...any) view.Gate {
		return view.Gate{Name: gate.Name, OK: gate.OK, Detail: fmt.Sprintf(format, args...)}
	}
	switch {
	case gate.Name == publishingKey && r.User != r.from.ID:
		return view.Gate{Name: gate.Name, Unknown: true, Detail: "what the authkeys of " + r.from.Handle +
			" may publish is for them to know"}
	case gate.Name == subscribingKey && r.User != r.to.ID:
		return view.Gate{Name: gate.Name, Unknown: true, Detail: "what the authkeys of " + r.to.Handle +
			" may subscribe to is for them to know"}
	}
	for _, h := range r.path {
		if gate.Name != fmt.Sprintf("share #%d", h.Share) {
			continue
		}
		s, ok := r.Graph().Share(h.Share)
		if !ok || !r.CanSeeShare(s) {
			return view.Gate{Name: "share between others", OK: gate.OK, Detail: "a share on the way that is not yours to see"}
		}
		if !r.CanSeeAcceptance(s, h.Receiver) {
			return hide("a share of %s on the way, whose receiver is not you", handle(r.Graph(), h.Owner))
		}
	}
	return gate
}

// Gates that are about one user's authkeys: what these may do is told to their owner, and to those who see everything.
const (
	publishingKey  = "publishing authkey"
	subscribingKey = "subscribing authkey"
)

func (r redaction) hop(h graph.Hop) view.Hop {
	s, ok := r.Graph().Share(h.Share)
	if !ok || !r.CanSeeShare(s) {
		return view.Hop{OK: h.OK}
	}
	hop := view.Hop{Share: h.Share, Owner: handle(r.Graph(), h.Owner), Type: h.Type, OK: h.OK}
	if r.CanSeeAcceptance(s, h.Receiver) {
		hop.Receiver, hop.Accepted = handle(r.Graph(), h.Receiver), h.Accepted
	}
	if gr, ok := r.Graph().Group(h.Group); ok {
		hop.Group = gr.Name
	}
	return hop
}
