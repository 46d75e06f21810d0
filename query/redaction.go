package query

import (
	"fmt"

	"hpfriends/graph"
	"hpfriends/graph/explain"
	"hpfriends/query/view"
)

// redaction takes out of an explanation what the viewer may not know: the idents of the other, and shares between
// others.
type redaction struct {
	graph.Viewer
	from, to *graph.User
	path     []explain.Hop
}

func (r redaction) gate(gate view.Gate) view.Gate {
	if r.CanSeeAll() {
		return gate
	}
	hide := func(format string, args ...any) view.Gate {
		return view.Gate{Name: gate.Name, OK: gate.OK, Detail: fmt.Sprintf(format, args...)}
	}
	switch {
	case gate.Name == "publishing authkey" && r.User != r.from.ID:
		return theirs(gate, r.from, "publish")
	case gate.Name == "subscribing authkey" && r.User != r.to.ID:
		return theirs(gate, r.to, "subscribe to")
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

func theirs(gate view.Gate, u *graph.User, right string) view.Gate {
	detail := fmt.Sprintf("what the authkeys of %s may %s is for them to know", u.Handle, right)
	return view.Gate{Name: gate.Name, Unknown: true, Detail: detail}
}

func (r redaction) hop(h explain.Hop) view.Hop {
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
