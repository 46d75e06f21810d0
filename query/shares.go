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
	v := q.Viewer(viewer)
	shares := v.Graph().Shares()
	if user != 0 || !v.CanSeeAll() {
		shares = v.Graph().SharesOf(user)
	}
	return viewShares(v, shares)
}

// SharesWith are the shares with a user, directly and through groups.
func (q *Query) SharesWith(viewer graph.Actor, user graph.UserID) []Share {
	v := q.Viewer(viewer)
	return viewShares(v, sharesWith(v.Graph(), user))
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
func visibleShares(v graph.Viewer) iter.Seq[*graph.Share] {
	g := v.Graph()
	candidates := []iter.Seq[*graph.Share]{g.SharesOf(v.User), sharesWith(g, v.User)}
	if v.CanSeeAll() {
		candidates = []iter.Seq[*graph.Share]{g.Shares()}
	}
	return func(yield func(*graph.Share) bool) {
		for _, shares := range candidates {
			for s := range shares {
				if v.CanSeeShare(s) && !yield(s) {
					return
				}
			}
		}
	}
}

// Share finds a share by number.
func (q *Query) Share(viewer graph.Actor, id graph.ShareID) (Share, error) {
	v := q.Viewer(viewer)
	s, err := ResolveShare(v, id)
	if err != nil {
		return Share{}, err
	}
	return viewShare(v, s), nil
}

func viewShares(v graph.Viewer, shares iter.Seq[*graph.Share]) []Share {
	all := []Share{}
	for s := range shares {
		if v.CanSeeShare(s) {
			all = append(all, viewShare(v, s))
		}
	}
	slices.SortFunc(all, func(a, b Share) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

func viewShare(v graph.Viewer, s *graph.Share) Share {
	g := v.Graph()
	shown := Share{
		ID: s.ID, From: handle(g, s.Owner), Channel: s.Channel, To: handle(g, s.User), Type: s.Type, History: s.History,
		Note: s.Note, Expires: optional(s.Expires), Expired: s.Expired, Created: s.Created.Time,
	}
	receiver := s.User == v.User
	if s.Group != 0 {
		if gr, ok := g.Group(s.Group); ok {
			shown.To = "group:" + gr.Name
		}
		_, receiver = g.Membership(s.Group, v.User)
	}
	if receiver && v.User != 0 && v.User != s.Owner {
		on := g.Accepted(s.ID, v.User)
		shown.Enabled = &on
	}
	for u := range g.Acceptances(s.ID) {
		if v.CanSeeAcceptance(s, u) {
			shown.EnabledBy = append(shown.EnabledBy, handle(g, u))
		}
	}
	return shown
}
