package query

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"hpfriends/graph"
	"hpfriends/query/delivery"
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

// SharesTo are up to limit shares with a group, the oldest first, and how many there are, as far as the viewer may see
// them: with their own decisions, without those of others.
func (q *Query) SharesTo(viewer graph.Actor, group graph.GroupID, limit int) (shares []view.Share, total int) {
	v := q.Viewer(viewer)
	for s := range v.Graph().SharesTo(group) {
		if !v.CanSeeShare(s) {
			continue
		}
		if total++; total <= limit {
			shares = append(shares, viewUndecided(v, s))
		}
	}
	return shares, total
}

func sharesWith(g *graph.Graph, user graph.UserID) iter.Seq[*graph.Share] {
	return func(yield func(*graph.Share) bool) {
		g.SharesWith(user)(func(s *graph.Share, _ bool) bool { return yield(s) })
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

// SharesSeen are up to limit shares that the viewer may see, those that are wanted first, and how many more there are.
func (q *Query) SharesSeen(
	viewer graph.Actor, limit int, wanted map[graph.ShareID]bool,
) (shares []view.Share, more int) {
	v := q.Viewer(viewer)
	for _, first := range []bool{true, false} {
		for s := range visibleShares(v) {
			switch {
			case wanted[s.ID] != first:
			case len(shares) < limit:
				shares = append(shares, viewShare(v, s))
			default:
				more++
			}
		}
	}
	return shares, more
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

// Delivered adds to shares what each has passed on in the 24 hours before now.
func (q *Query) Delivered(ctx context.Context, viewer graph.Actor, now time.Time, shares []view.Share) error {
	begin, err := q.log.StartAt(now.Add(-24 * time.Hour))
	if err != nil {
		return err
	}
	return delivery.Count(ctx, q.traffic, q.Viewer(viewer), begin, shares)
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
	shown := viewUndecided(v, s)
	decisions(&shown, v, s)
	return shown
}

// viewUndecided is a share without who else has decided on it.
func viewUndecided(v graph.Viewer, s *graph.Share) view.Share {
	g := v.Graph()
	shown := view.Share{
		ID: s.ID, From: handle(g, s.Owner), Channel: s.Channel, To: receiver(g, s), Type: s.Type, History: s.History,
		Note: s.Note, Expires: optional(s.Expires), Expired: s.Expired, Created: s.Created.Time,
	}
	with := s.User == v.User
	if s.Group != 0 {
		_, with = g.Membership(s.Group, v.User)
	}
	if with && v.User != 0 && v.User != s.Owner {
		on, decided := g.Decision(s.ID, v.User)
		shown.Enabled, shown.Decision = &on, decision(on, decided)
	}
	return shown
}

// receiver is whom a share is with, as people write it.
func receiver(g *graph.Graph, s *graph.Share) string {
	if gr, ok := g.Group(s.Group); ok {
		return "group:" + gr.Name
	}
	return handle(g, s.User)
}

// maxDeciders is how many users are named who have enabled a share, or disabled it, and maxDecisions how many decisions
// are looked at for that: thousands may have decided on a share with everyone.
const (
	maxDeciders  = 100
	maxDecisions = 10_000
)

// decisions shows who has decided, as far as the viewer may see it.
func decisions(shown *view.Share, v graph.Viewer, s *graph.Share) {
	g, looked := v.Graph(), 0
	add := func(to *[]string, u graph.UserID) {
		if len(*to) < maxDeciders {
			*to = append(*to, handle(g, u))
		} else {
			shown.More = true
		}
	}
	if !v.CanSeeAll() && v.User != s.Owner { // their own at most
		if on, decided := g.Decision(s.ID, v.User); decided && v.CanSeeAcceptance(s, v.User) {
			add(by(shown, on), v.User)
		}
		return
	}
	for u, on := range g.Decisions(s.ID) {
		if looked++; looked > maxDecisions || len(shown.EnabledBy)+len(shown.DisabledBy) == 2*maxDeciders {
			shown.More = true
			return
		}
		if v.CanSeeAcceptance(s, u) {
			add(by(shown, on), u)
		}
	}
}

func by(shown *view.Share, enabled bool) *[]string {
	if enabled {
		return &shown.EnabledBy
	}
	return &shown.DisabledBy
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
