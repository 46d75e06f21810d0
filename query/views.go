package query

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// Users are all users that the viewer may see.
func (q *Query) Users(viewer graph.Actor) []User {
	g := q.graph()
	return viewUsers(g, g, viewer)
}

// viewUsers shows the users of g by the rights of a graph that holds the same users.
func viewUsers(g, rights *graph.Graph, viewer graph.Actor) []User {
	all := []User{}
	for u := range g.Users() {
		if rights.CanSeeUser(viewer, u) {
			all = append(all, viewUser(rights, viewer, u))
		}
	}
	return all
}

// User finds a user by handle.
func (q *Query) User(viewer graph.Actor, handle string) (User, error) {
	return findUser(q.graph(), viewer, handle)
}

func findUser(g *graph.Graph, viewer graph.Actor, handle string) (User, error) {
	u, ok := g.UserByHandle(handle)
	if !ok || !g.CanSeeUser(viewer, u) {
		return User{}, missing("user", handle)
	}
	return viewUser(g, viewer, u), nil
}

// viewUser shows handle and name; the rest is for the user and for who sees everything.
func viewUser(g *graph.Graph, viewer graph.Actor, u *graph.User) User {
	v := User{ID: u.ID, Handle: u.Handle, Name: u.Name}
	if u.ID == viewer.User || g.CanSeeAll(viewer) {
		enabled := u.Enabled
		v.Role, v.Enabled, v.Created = u.Role, &enabled, optional(u.Created.Time)
	}
	return v
}

// Groups are all groups that the viewer may see, with their members where the viewer may see those.
func (q *Query) Groups(viewer graph.Actor) []Group {
	return viewGroups(q.graph(), viewer)
}

func viewGroups(g *graph.Graph, viewer graph.Actor) []Group {
	all := []Group{}
	for gr := range g.Groups() {
		if g.CanSeeGroup(viewer, gr) {
			all = append(all, viewGroup(g, viewer, gr, gr.ID != graph.Everyone))
		}
	}
	return all
}

// Group finds a group by name.
func (q *Query) Group(viewer graph.Actor, name string) (Group, error) {
	g := q.graph()
	gr, ok := g.GroupByName(name)
	if !ok || !g.CanSeeGroup(viewer, gr) {
		return Group{}, missing("group", name)
	}
	return viewGroup(g, viewer, gr, true), nil
}

func viewGroup(g *graph.Graph, viewer graph.Actor, gr *graph.Group, members bool) Group {
	v := Group{ID: gr.ID, Name: gr.Name, Created: gr.Created.Time}
	if members && g.CanSeeMembers(viewer, gr) {
		for m := range g.Members(gr.ID) {
			v.Members = append(v.Members, Member{handle(g, m.User), m.Admin, m.Joined.Time})
		}
	}
	return v
}

// Authkeys are the authkeys of owner, or all that the viewer may see when owner is 0.
func (q *Query) Authkeys(viewer graph.Actor, owner graph.UserID) ([]Authkey, error) {
	g := q.graph()
	all := []Authkey{}
	for k := range visibleAuthkeys(g, viewer, owner) {
		v, err := q.viewAuthkey(g, k)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

func visibleAuthkeys(g *graph.Graph, viewer graph.Actor, owner graph.UserID) iter.Seq[*graph.Authkey] {
	keys := g.Authkeys()
	switch {
	case owner != 0:
		keys = g.AuthkeysOf(owner)
	case !g.CanSeeAll(viewer):
		keys = g.AuthkeysOf(viewer.User)
	}
	return func(yield func(*graph.Authkey) bool) {
		for k := range keys {
			if g.CanSeeAuthkey(viewer, k) && !yield(k) {
				return
			}
		}
	}
}

// Authkey finds an authkey by ident. One that the viewer may not see is not found.
func (q *Query) Authkey(viewer graph.Actor, ident string) (Authkey, *graph.Authkey, error) {
	g := q.graph()
	k, ok := g.AuthkeyByIdent(ident)
	if !ok || !g.CanSeeAuthkey(viewer, k) {
		return Authkey{}, nil, missing("authkey", ident)
	}
	v, err := q.viewAuthkey(g, k)
	return v, k, err
}

func (q *Query) viewAuthkey(g *graph.Graph, k *graph.Authkey) (Authkey, error) {
	v := viewAuthkey(g, k)
	stats, err := q.stats(k.ID)
	v.Stats = &stats
	return v, err
}

// viewAuthkey shows an authkey without its statistics.
func viewAuthkey(g *graph.Graph, k *graph.Authkey) Authkey {
	v := Authkey{
		ID: k.ID, Owner: handle(g, k.Owner), Ident: k.Ident, Comment: k.Comment, Pub: present(k.Pub), Sub: present(k.Sub), Enabled: k.Enabled,
		Expires: optional(k.Expires), MaxMessage: k.MaxMessage, Created: k.Created.Time,
	}
	if v.MaxMessage == 0 {
		v.MaxMessage = graph.DefaultMaxMessage
	}
	for _, n := range k.Networks {
		v.Networks = append(v.Networks, n.String())
	}
	return v
}

// present is never nil: JSON shows an empty list as [].
func present[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (q *Query) stats(id graph.AuthkeyID) (Stats, error) {
	var u entry.Usage
	raw, err := q.log.Get(eventlog.SpaceStats, binary.BigEndian.AppendUint64(nil, uint64(id)))
	switch {
	case errors.Is(err, eventlog.ErrNotFound):
	case err != nil:
		return Stats{}, err
	default:
		if err := json.Unmarshal(raw, &u); err != nil {
			return Stats{}, fmt.Errorf("query: statistics of authkey %d: %w", id, err)
		}
	}
	if q.live != nil {
		u.Add(q.live.Usage(uint64(id)))
	}
	return Stats{u.BytesReceived, u.BytesSent, u.Published, u.Received, optional(u.LastSeen), u.LastAddr}, nil
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
	return sharesWith(q.graph(), viewer, user)
}

func sharesWith(g *graph.Graph, viewer graph.Actor, user graph.UserID) []Share {
	return viewShares(g, viewer, func(yield func(*graph.Share) bool) {
		for s := range g.SharesWith(user) {
			if !yield(s) {
				return
			}
		}
	})
}

// Share finds a share.
func (q *Query) Share(viewer graph.Actor, id graph.ShareID) (Share, error) {
	g := q.graph()
	s, ok := g.Share(id)
	if !ok || !g.CanSeeShare(viewer, s) {
		return Share{}, missing("share", fmt.Sprintf("#%d", id))
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

// Tokens are the API tokens of owner that the viewer may see.
func (q *Query) Tokens(viewer graph.Actor, owner graph.UserID) []Token {
	g := q.graph()
	all := []Token{}
	for t := range g.TokensOf(owner) {
		if g.CanSeeToken(viewer, t) {
			all = append(all, viewToken(g, t))
		}
	}
	return all
}

// Token finds a token by number.
func (q *Query) Token(viewer graph.Actor, id graph.TokenID) (Token, error) {
	g := q.graph()
	t, ok := g.Token(id)
	if !ok || !g.CanSeeToken(viewer, t) {
		return Token{}, missing("token", fmt.Sprintf("#%d", id))
	}
	return viewToken(g, t), nil
}

func viewToken(g *graph.Graph, t *graph.Token) Token {
	return Token{t.ID, handle(g, t.Owner), t.Comment, optional(t.Expires), t.Created.Time}
}

// missing is the answer for what does not exist and for what the viewer may not see alike.
func missing(kind, name string) error {
	return &graph.Error{Code: graph.NotFound, Msg: fmt.Sprintf("there is no %s %s", kind, graph.Clip(name)), Hint: "list what you can see with `hpfriends " + kind + " ls`"}
}
