package pages

import (
	"slices"
	"strings"

	"hpfriends/graph"
	"hpfriends/query/view"
)

// graphData is the sharing graph as far as the viewer sees it, as edges: shares, and who is in which group.
type graphData struct {
	whyData
	Shares  []edge
	Members []edge
	More    int // shares that are not shown
	Fault   string
}

// edge is an arrow of the graph. A name of a group begins with "group:".
type edge struct {
	ID       graph.ShareID
	From, To string
	Channel  string
	Type     graph.ShareType
	State    string // flows, waiting, off
	Lit      bool   // it is on the way that was asked for
}

// maxEdges is how many shares are drawn: more than that nobody can read.
const maxEdges = 2000

func drawGraph(r *request) (any, error) {
	q := r.URL.Query()
	d := graphData{whyData: whyData{From: q.Get("from"), To: q.Get("to"), Channel: q.Get("channel")}}
	lit := make(map[graph.ShareID]bool)
	if d.From != "" && d.To != "" && d.Channel != "" {
		x, err := explain(r, d.whyData)
		if err != nil {
			d.Fault = r.Refusal(err).Detail
		} else {
			d.Explanation = &x
			for _, hop := range x.Path {
				lit[hop.Share] = true
			}
		}
	}
	shares, groups := graphShares(r), r.Query.Groups(r.actor)
	if r.past != nil {
		groups = r.past.Groups
	}
	for _, s := range shares {
		if len(d.Shares) == maxEdges {
			d.More = len(shares) - maxEdges
			break
		}
		d.Shares = append(d.Shares, edge{s.ID, s.From, s.To, string(s.Channel), s.Type, edgeState(s), lit[s.ID]})
	}
	for _, g := range groups {
		for _, m := range membersOf(r, g) {
			d.Members = append(d.Members, edge{From: "group:" + g.Name, To: m.User, State: "flows"})
		}
	}
	return d, nil
}

// graphShares are the shares that the viewer sees: all for those who see everything, else theirs and those with them.
func graphShares(r *request) []view.Share {
	switch {
	case r.past != nil:
		return r.past.Shares
	case r.viewer.CanSeeAll():
		return r.Query.SharesFrom(r.actor, 0)
	}
	all := slices.Concat(r.Query.SharesFrom(r.actor, r.actor.User), r.Query.SharesWith(r.actor, r.actor.User))
	slices.SortFunc(all, func(a, b view.Share) int { return int(a.ID) - int(b.ID) })
	return slices.CompactFunc(all, func(a, b view.Share) bool { return a.ID == b.ID })
}

// membersOf are the members of a group that a share which is drawn leads to.
func membersOf(r *request, g view.Group) []view.Member {
	if g.Name == "everyone" {
		return nil // all
	}
	if len(g.Members) == 0 && r.past == nil {
		if shown, err := r.Query.Group(r.actor, g.Name); err == nil {
			return shown.Members
		}
	}
	return g.Members
}

// edgeState is how a share stands for who looks: their own decision if it is with them, else whether anybody takes it.
func edgeState(s view.Share) string {
	if s.Enabled != nil {
		return stateOfIncoming(s)
	}
	return stateOfShare(s)
}

// Label is what people call an end of an edge.
func (edge) Label(name string) string { return strings.TrimPrefix(name, "group:") }
