package definitions

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/secret"
	"hpfriends/query/view"
)

// State is what a server has, and by which ids it knows it.
type State struct {
	Document
	shareIDs map[edge]uint64
	byEdge   map[edge]Share // made when Share is asked
}

// edge is what no two shares of a server have in common. Names are compared as the graph compares them.
type edge struct{ from, channel, to string }

func (s Share) edge() edge { return edge{fold(s.From), string(s.Channel), fold(s.To)} }

// fold makes names equal that differ in the case of a-z only, which those of users and groups may.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// Fetch reads what a server has, as far as the asker sees it. Secrets are left out, and so are shares that have
// expired.
func Fetch(ctx context.Context, server *api.Client) (State, error) {
	s := State{shareIDs: make(map[edge]uint64)}
	users, err := api.ListUsers.All(ctx, server, api.UsersQuery{})
	if err != nil {
		return s, err
	}
	for _, u := range users {
		s.Users = append(s.Users, User{u.Handle, u.Name, u.Role, u.Enabled != nil && !*u.Enabled})
	}
	if err := s.fetchGroups(ctx, server); err != nil {
		return s, err
	}
	keys, err := api.ListAuthkeys.All(ctx, server, api.AuthkeysQuery{})
	if err != nil {
		return s, err
	}
	for _, k := range keys {
		s.Authkeys = append(s.Authkeys, authkeyOf(k))
	}
	return s, s.fetchShares(ctx, server)
}

func (s *State) fetchGroups(ctx context.Context, server *api.Client) error {
	groups, err := api.ListGroups.All(ctx, server, api.GroupsQuery{})
	for _, g := range groups {
		if g.ID == graph.Everyone || err != nil {
			continue
		}
		if g, err = api.ShowGroup.Call(ctx, server, api.GroupPath{Group: g.Name}); err != nil {
			break
		}
		one := Group{Name: g.Name}
		for _, m := range g.Members {
			if m.Admin {
				one.Admins = append(one.Admins, m.User)
			} else {
				one.Members = append(one.Members, m.User)
			}
		}
		s.Groups = append(s.Groups, one)
	}
	return err
}

func authkeyOf(k view.Authkey) Authkey {
	one := Authkey{
		Ident: k.Ident, Owner: k.Owner, Comment: k.Comment, Pub: k.Pub, Sub: k.Sub, Disabled: !k.Enabled,
		Expires: k.Expires, MaxMessage: k.MaxMessage,
	}
	if one.MaxMessage == graph.DefaultMaxMessage {
		one.MaxMessage = 0
	}
	for _, text := range k.Networks {
		if n, err := netip.ParsePrefix(text); err == nil {
			one.Networks = append(one.Networks, n)
		}
	}
	return one
}

func (s *State) fetchShares(ctx context.Context, server *api.Client) error {
	shares, err := api.ListShares.All(ctx, server, api.SharesQuery{})
	if err != nil {
		return err
	}
	unnamed := make(map[uint64]int) // ids of shares on which more have decided than are named -> places
	for _, v := range shares {
		if v.Expired {
			continue
		}
		one := Share{
			From: v.From, Channel: v.Channel, To: v.To, Type: v.Type, History: v.History, Note: v.Note, Expires: v.Expires,
			EnabledBy: v.EnabledBy, DisabledBy: v.DisabledBy,
		}
		s.shareIDs[one.edge()] = uint64(v.ID)
		if v.More {
			one.EnabledBy, one.DisabledBy = nil, nil
			unnamed[uint64(v.ID)] = len(s.Shares)
		}
		s.Shares = append(s.Shares, one)
	}
	if len(unnamed) == 0 {
		return nil
	}
	for _, u := range s.Users { // who sees their own decision
		for v, err := range api.ListShares.Each(ctx, server.As(u.Handle), api.SharesQuery{In: true}) {
			if err != nil {
				return err
			}
			at, ok := unnamed[uint64(v.ID)]
			switch {
			case ok && v.Decision == view.Enabled:
				s.Shares[at].EnabledBy = append(s.Shares[at].EnabledBy, u.Handle)
			case ok && v.Decision == view.Disabled:
				s.Shares[at].DisabledBy = append(s.Shares[at].DisabledBy, u.Handle)
			}
		}
	}
	return nil
}

// Share returns the server's share of the same user and channel with the same receiver.
func (s *State) Share(like Share) (Share, bool) {
	if s.byEdge == nil {
		s.byEdge = make(map[edge]Share)
		for _, one := range s.Shares {
			s.byEdge[one.edge()] = one
		}
	}
	found, ok := s.byEdge[like.edge()]
	return found, ok
}

// Compare gives an authkey the secret that it has in want, if that is its own, and else one that no other equals. The
// secrets that are there stay untold. It tells how many of the server's authkeys are done.
func (s *State) Compare(
	ctx context.Context, server *api.Client, want []Authkey, tell func(done, total uint64),
) error {
	wanted := make(map[string]secret.Secret)
	for _, k := range want {
		wanted[k.Ident] = k.Secret
	}
	for i, k := range s.Authkeys {
		tell(uint64(i), uint64(len(s.Authkeys)))
		if !k.Secret.Empty() || wanted[k.Ident].Empty() {
			continue
		}
		in := api.SecretCheck{IdentPath: api.IdentPath{Ident: k.Ident}}
		in.Body.Secret.Secret = wanted[k.Ident]
		is, err := api.CheckSecret.Call(ctx, server, in)
		if err != nil {
			return err
		}
		if s.Authkeys[i].Secret = secret.NewPassphrase(); is.Same {
			s.Authkeys[i].Secret = wanted[k.Ident]
		}
	}
	return nil
}

// Reveal asks for the secrets of all authkeys, which the audit tells.
func (s *State) Reveal(ctx context.Context, server *api.Client) error {
	for i, k := range s.Authkeys {
		c, err := api.RevealAuthkey.Call(ctx, server, api.IdentPath{Ident: k.Ident})
		if err != nil {
			return err
		}
		s.Authkeys[i].Secret = secret.New(c.Secret)
	}
	return nil
}

// sameTime compares times as far as a file and the API keep them.
func sameTime(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Truncate(time.Second).Equal(b.Truncate(time.Second))
}

func sortedCopy[T ~string](list []T) []T {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}
