package v1

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/query"
	"hpfriends/query/view"
)

func registerSessions(s *Service, h huma.API) {
	list(s, h, api.ListSessions, func(ctx context.Context, in *api.SessionsQuery) ([]view.Session, string, error) {
		user, err := owner(ctx, s, in.User)
		if err != nil {
			return nil, "", err
		}
		return page(in.Page, query.Sessions(s.viewer(ctx), user), func(t view.Session) uint64 { return uint64(t.ID) })
	})
	op(s, h, api.RemoveSession, func(ctx context.Context, in *api.TokenPath) (api.None, error) {
		t, err := query.ResolveSession(s.viewer(ctx), graph.TokenID(in.ID))
		if err != nil {
			return api.None{}, err
		}
		return s.changed(ctx, graph.RemoveSession{Session: t.ID})
	})
	op(s, h, api.ClearSessions, func(ctx context.Context, in *api.HandlePath) (api.None, error) {
		id, err := s.user(ctx, in.Handle)
		if err != nil {
			return api.None{}, err
		}
		return s.changed(ctx, graph.ClearSessions{User: id})
	})
}
