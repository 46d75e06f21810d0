package query

import (
	"cmp"
	"iter"
	"slices"

	"hpfriends/graph"
	"hpfriends/query/view"
)

// SharesFrom are the shares of a user, as far as the viewer may see them; all for 0.
func (q *Query) SharesFrom(viewer graph.Actor, user graph.UserID) []view.Share {
	v := q.Viewer(viewer)
	shares := v.Graph().Shares()
	if user != 0 || !v.CanSeeAll() {
		shares = v.Graph().SharesOf(user)
	}
	return viewShares(v, shares)
}

// SharesWith are the shares with a user, directly and through groups.
func (q *Query) SharesWith(viewer graph.Actor, user graph.UserID) []view.Share {
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
func (q *Query) Share(viewer graph.Actor, id graph.ShareID) (view.Share, error) {
	v := q.Viewer(viewer)
	s, err := ResolveShare(v, id)
	if err != nil {
		return view.Share{}, err
	}
	return viewShare(v, s), nil
}

func viewShares(v graph.Viewer, shares iter.Seq[*graph.Share]) []view.Share {
	all := []view.Share{}
	for s := range shares {
		if v.CanSeeShare(s) {
			all = append(all, viewShare(v, s))
		}
	}
	slices.SortFunc(all, func(a, b view.Share) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

func viewShare(v graph.Viewer, s *graph.Share) view.Share {
	g := v.Graph()
	shown := view.Share{
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
		on, decided := g.Decision(s.ID, v.User)
		shown.Enabled, shown.Decision = &on, decision(on, decided)
	}
	for u, on := range g.Decisions(s.ID) {
		switch {
		case !v.CanSeeAcceptance(s, u):
		case on:
			shown.EnabledBy = append(shown.EnabledBy, handle(g, u))
		default:
			shown.DisabledBy = append(shown.DisabledBy, handle(g, u))
		}
	}
	return shown
}

func decision(enabled, decided bool) view.Decision {
	switch {
	case enabled:
		return view.Enabled
	case decided:
		return view.Disabled
	}
	return view.Waiting
}

// maxWaiting is where Waiting stops counting, and maxLooked how many shares it looks at.
const (
	maxWaiting = 100
	maxLooked  = 10_000
)

// Waiting counts the live shares with the viewer on which they have not decided, up to 100 of them.
func (q *Query) Waiting(viewer graph.Actor) (n int) {
	v, looked := q.Viewer(viewer), 0
	if !v.CanSeeAnything() {
		return 0
	}
	for s := range v.Graph().SharesWith(v.User) {
		if looked++; looked > maxLooked {
			break
		}
		if _, decided := v.Graph().Decision(s.ID, v.User); decided || s.Expired {
			continue
		}
		if n++; n == maxWaiting {
			break
		}
	}
	return n
}
