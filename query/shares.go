package query

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"hpfriends/graph"
)

// Share is a share, as its owner or a receiver sees it.
type Share struct {
	ID      graph.ShareID   `json:"id"`
	From    string          `json:"from" doc:"handle of the owner"`
	Channel graph.Pattern   `json:"channel"`
	To      string          `json:"to" doc:"handle, or group:NAME"`
	Type    graph.ShareType `json:"type"`
	History graph.History   `json:"history"`
	Note    string          `json:"note,omitempty"`
	Expires *time.Time      `json:"expires,omitempty"`
	Expired bool            `json:"expired,omitempty"`
	Created time.Time       `json:"created"`
	// Enabled is the viewer's own decision on a share with them.
	Enabled *bool `json:"enabled,omitempty" doc:"your decision, if you are a receiver"`
	// EnabledBy is who has enabled it, as far as the viewer may see that.
	EnabledBy []string `json:"enabled_by,omitempty" doc:"handles"`
}

// SharesFrom are the shares of a user, as far as the viewer may see them; all for 0.
func (q *Query) SharesFrom(viewer graph.Actor, user graph.UserID) []Share {
	g := q.graph()
	shares := g.Shares()
	if user != 0 || !g.CanSeeAll(viewer) {
		shares = g.SharesOf(user)
	}
	return viewShares(g, viewer, shares)
}

// SharesWith are the shares with a user, directly and through groups.
func (q *Query) SharesWith(viewer graph.Actor, user graph.UserID) []Share {
	g := q.graph()
	return viewShares(g, viewer, sharesWith(g, user))
}

func sharesWith(g *graph.Graph, user graph.UserID) iter.Seq[*graph.Share] {
	return func(yield func(*graph.Share) bool) {
		for s := range g.SharesWith(user) {
			if !yield(s) {
				return
			}
		}
	}
}

// visibleShares yields the shares that the viewer may see, once each.
func visibleShares(g *graph.Graph, viewer graph.Actor) iter.Seq[*graph.Share] {
	candidates := []iter.Seq[*graph.Share]{g.SharesOf(viewer.User), sharesWith(g, viewer.User)}
	if g.CanSeeAll(viewer) {
		candidates = []iter.Seq[*graph.Share]{g.Shares()}
	}
	return func(yield func(*graph.Share) bool) {
		for _, shares := range candidates {
			for s := range shares {
				if g.CanSeeShare(viewer, s) && !yield(s) {
					return
				}
			}
		}
	}
}

// Share finds a share by number.
func (q *Query) Share(viewer graph.Actor, id graph.ShareID) (Share, error) {
	g := q.graph()
	s, err := resolveShare(g, viewer, id)
	if err != nil {
		return Share{}, err
	}
	return viewShare(g, viewer, s), nil
}

func viewShares(g *graph.Graph, viewer graph.Actor, shares iter.Seq[*graph.Share]) []Share {
	all := []Share{}
	for s := range shares {
		if g.CanSeeShare(viewer, s) {
			all = append(all, viewShare(g, viewer, s))
		}
	}
	slices.SortFunc(all, func(a, b Share) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

func viewShare(g *graph.Graph, viewer graph.Actor, s *graph.Share) Share {
	v := Share{
		ID: s.ID, From: handle(g, s.Owner), Channel: s.Channel, To: handle(g, s.User), Type: s.Type, History: s.History,
		Note: s.Note, Expires: optional(s.Expires), Expired: s.Expired, Created: s.Created.Time,
	}
	receiver := s.User == viewer.User
	if s.Group != 0 {
		if gr, ok := g.Group(s.Group); ok {
			v.To = "group:" + gr.Name
		}
		_, receiver = g.Membership(s.Group, viewer.User)
	}
	if receiver && viewer.User != 0 && viewer.User != s.Owner {
		on := g.Accepted(s.ID, viewer.User)
		v.Enabled = &on
	}
	for u := range g.Acceptances(s.ID) {
		if g.CanSeeAcceptance(viewer, s, u) {
			v.EnabledBy = append(v.EnabledBy, handle(g, u))
		}
	}
	return v
}
