package v1

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/secret"
	"hpfriends/query"
	"hpfriends/query/view"
	"hpfriends/web/who"
)

func registerTokens(s *Service, h huma.API) {
	list(s, h, api.ListTokens, func(ctx context.Context, in *api.Page) ([]view.Token, string, error) {
		a := who.Actor(ctx)
		return page(*in, s.Query.Tokens(a, a.User), func(t view.Token) uint64 { return uint64(t.ID) })
	})
	op(s, h, api.AddToken, s.addToken)
	op(s, h, api.RemoveToken, func(ctx context.Context, in *api.TokenPath) (api.None, error) {
		t, err := query.ResolveToken(s.viewer(ctx), graph.TokenID(in.ID))
		if err != nil {
			return api.None{}, err
		}
		return s.changed(ctx, graph.RemoveToken{Token: t.ID})
	})
}

func (s *Service) addToken(ctx context.Context, in *api.With[api.NewToken]) (api.IssuedToken, error) {
	owner, err := owner(ctx, s, in.Body.Owner)
	if err != nil {
		return api.IssuedToken{}, err
	}
	token := secret.NewToken()
	add := graph.AddToken{Owner: owner, Hash: secret.HashToken(token), Comment: in.Body.Comment}
	if in.Body.Expires != nil {
		add.Expires = *in.Body.Expires
	}
	out, err := s.change(ctx, add)
	if err != nil {
		return api.IssuedToken{}, err
	}
	return api.IssuedToken{ID: out.ID, Token: token.Reveal()}, nil
}
