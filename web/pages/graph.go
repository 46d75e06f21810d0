package pages

import (
	"fmt"
	"slices"
	"strings"

	"hpfriends/graph"
	"hpfriends/query/view"
	"hpfriends/web/pages/format"
)

// graphData is the sharing graph as far as the viewer sees it, as edges: shares, and who is in which group.
type graphData struct {
	whyData
	Shares  []edge
	Members []edge
	More    int  // shares that are not shown
	Crowded bool // not all members are shown
	Fault   string
}

// Way says by how many shares it flows, and how many of them are drawn: of those between others, only that they are
// there is told.
func (d graphData) Way() string {
	all, seen := len(d.Explanation.Path), 0
	for _, hop := range d.Explanation.Path {
		if hop.Share != 0 {
			seen++
		}
	}
	by := "by " + format.Plural(all, "share", "shares")
	switch {
	case all == 0:
		return "it is their own"
	case seen == all:
		return by + ", drawn bold"
	case seen == 0:
		return by + " between others, which you do not see"
	}
	return fmt.Sprintf("%s, of which you see %d, drawn bold", by, seen)
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

// maxEdges is how many shares are drawn, and how many memberships: more than that nobody can read. maxDrawn is how many
// members of one group are.
const (
	maxEdges = 1000
	maxDrawn = 100
)

func drawGraph(r *request) (any, error) {
	q := r.URL.Query()
	d := graphData{whyData: whyData{
		From: strings.TrimSpace(q.Get("from")), To: strings.TrimSpace(q.Get("to")), Channel: q.Get("channel"),
	}}
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
	d.draw(r, lit)
	groups := groupsThen(r)
	// Groups that a share leads to come first.
	drawn := make(map[string]bool)
	for _, e := range d.Shares {
		drawn[e.To] = true
	}
	slices.SortStableFunc(groups, firstIf(func(g view.Group) bool { return drawn["group:"+g.Name] }))
	for _, g := range groups {
		for i, m := range membersOf(r, g) {
			if i == maxDrawn || len(d.Members) == maxEdges {
				d.Crowded = true
				break
			}
			d.Members = append(d.Members, edge{From: "group:" + g.Name, To: m.User, State: "flows"})
		}
	}
	return d, nil
}

// draw adds the shares that the viewer sees, those on the way that was asked for first.
func (d *graphData) draw(r *request, lit map[graph.ShareID]bool) {
	var shares []view.Share
	if r.past != nil {
		shares = r.past.Shares()
		slices.SortStableFunc(shares, firstIf(func(s view.Share) bool { return lit[s.ID] }))
		d.More = max(len(shares)-maxEdges, 0)
		shares = shares[:min(len(shares), maxEdges)]
	} else {
		shares, d.More = r.Query.SharesSeen(r.actor, maxEdges, lit)
	}
	for _, s := range shares {
		d.Shares = append(d.Shares, edge{s.ID, s.From, s.To, string(s.Channel), s.Type, edgeState(s), lit[s.ID]})
	}
}

// firstIf orders what a question is true of before the rest.
func firstIf[T any](question func(T) bool) func(a, b T) int {
	rank := map[bool]int{true: 0, false: 1}
	return func(a, b T) int { return rank[question(a)] - rank[question(b)] }
}

// membersOf are the members of a group, as far as the viewer sees them.
func membersOf(r *request, g view.Group) []view.Member {
	if g.Name == "everyone" {
		return nil // all
	}
	if len(g.Members) == 0 && r.past == nil {
		return r.membersNow(g.Name)
	}
	return g.Members
}

// membersNow are those of a group, which are looked up once for a page, however many of its shares are with the group.
func (r *request) membersNow(group string) []view.Member {
	all, known := r.members[group]
	if !known {
		if shown, err := r.Query.Group(r.actor, group); err == nil {
			all = shown.Members
		}
		if r.members == nil {
			r.members = make(map[string][]view.Member)
		}
		r.members[group] = all
	}
	return all
}

// edgeState is how a share stands for who looks: their own decision if it is with them, else whether anybody takes it.
func edgeState(s view.Share) string {
	if s.Enabled != nil {
		return stateOfIncoming(s)
	}
	return stateOfShare(s)
}
