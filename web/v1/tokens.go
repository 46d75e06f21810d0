package v1

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/graph/scope"
	"hpfriends/internal/secret"
	"hpfriends/query"
	"hpfriends/query/view"
	"hpfriends/web/scopes"
	"hpfriends/web/who"
)

func registerTokens(s *Service, h huma.API) {
	list(s, h, api.ListTokens, func(ctx context.Context, in *api.Page) ([]view.Token, string, error) {
		a := who.Actor(ctx)
		return page(*in, s.Query.Tokens(a, a.User), func(t view.Token) uint64 { return uint64(t.ID) })
	})
	op(s, h, api.AddToken, s.addToken)
	op(s, h, api.RemoveToken, func(ctx context.Context, in *api.TokenPath) (api.None, error) {
		if err := scopes.MayRemove(s.Query.Graph(), who.Actor(ctx), graph.TokenID(in.ID)); err != nil {
			return api.None{}, err
		}
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
	add := graph.AddToken{
		Owner: owner, Hash: secret.HashToken(token), Comment: in.Body.Comment, Expires: tokenEnds(ctx, s, in.Body),
		Grant: scope.Grant{Scopes: in.Body.Scopes, Channel: in.Body.Channel, Authkey: in.Body.Authkey},
	}
	if len(add.Grant.Scopes) == 0 {
		add.Grant.Scopes = []scope.Scope{scope.Read}
	}
	out, err := s.change(ctx, add)
	if err != nil {
		return api.IssuedToken{}, err
	}
	made := api.IssuedToken{ID: out.ID, Token: token.Reveal()}
	if !add.Expires.IsZero() {
		made.Expires = &add.Expires
	}
	return made, nil
}

// tokenEnds is when a token ends: as is said, or in 90 days, but not after the one that asks for it; zero: never.
func tokenEnds(ctx context.Context, s *Service, in api.NewToken) time.Time {
	switch {
	case in.Endless:
		return time.Time{}
	case in.Expires != nil:
		return *in.Expires
	}
	ends := s.Changer.Now().Add(scope.Life).Truncate(time.Second)
	by, ok := s.Query.Graph().Token(who.Actor(ctx).Token)
	if ok && !by.Expires.IsZero() && by.Expires.Before(ends) {
		return by.Expires
	}
	return ends
}
