package v1

import (
	"context"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/query"
	"hpfriends/query/view"
	"hpfriends/web/who"
)

func registerAccount(s *Service, h huma.API) {
	op(s, h, api.ShowAccount, func(ctx context.Context, _ *api.None) (api.Account, error) {
		return account(s.Query, who.Actor(ctx))
	})
}

// account collects what is kept about who asks: about themselves alone, also if they may see more.
func account(q *query.Query, a graph.Actor) (all api.Account, err error) {
	u, ok := q.Graph().User(a.User)
	if !ok {
		return all, &graph.Error{
			Code: graph.NotFound, Msg: "the operator has no account", Hint: "ask as a user: --as HANDLE",
		}
	}
	viewer := q.Viewer(a)
	if all.User, err = q.User(a, u.Handle); err != nil {
		return all, err
	}
	if all.Authkeys, err = q.Authkeys(a, u.ID); err != nil {
		return all, err
	}
	all.Cursors = []view.Cursor{}
	for _, k := range all.Authkeys {
		cursors, err := q.Cursors(a, k.Ident, true)
		if err != nil {
			return all, err
		}
		all.Cursors = append(all.Cursors, cursors...)
	}
	all.Shares, all.SharedWith = q.SharesFrom(a, u.ID), q.SharesWith(a, u.ID)
	all.Groups = slices.DeleteFunc(q.Groups(a), func(g view.Group) bool {
		return !slices.ContainsFunc(g.Members, func(m view.Member) bool { return m.User == u.Handle }) &&
			!slices.ContainsFunc(g.Requests, func(r view.JoinRequest) bool { return r.User == u.Handle })
	})
	all.Tokens, all.Sessions = q.Tokens(a, u.ID), query.Sessions(viewer, u.ID)
	all.Logs, err = q.Logs(a, query.LogFilter{User: u.Handle})
	return all, err
}
