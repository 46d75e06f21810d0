package web

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/graph"
	"hpfriends/internal/secret"
	"hpfriends/query"
	"hpfriends/web/who"
)

type addToken struct {
	Body struct {
		Owner   string     `json:"owner,omitempty" doc:"handle; empty: yourself"`
		Comment string     `json:"comment,omitempty"`
		Expires *time.Time `json:"expires,omitempty"`
	}
}

type tokenPath struct {
	ID uint64 `path:"id"`
}

type listTokens struct{ PageQuery }

// issued is a fresh token; it is shown only here.
type issued struct {
	ID    uint64 `json:"id"`
	Token string `json:"token"`
}

func (s *Server) registerTokens(h huma.API) {
	op(s, h, "GET /tokens", "List your API tokens", func(ctx context.Context, in *listTokens) (*array[query.Token], error) {
		return page(&in.PageQuery, s.Query.Tokens(who.Actor(ctx), who.Actor(ctx).User), func(t query.Token) uint64 { return uint64(t.ID) })
	})
	op(s, h, "POST /tokens", "Add an API token; it is shown only once", s.addToken)
	op(s, h, "DELETE /tokens/{id}", "Remove an API token", func(ctx context.Context, in *tokenPath) (*none, error) {
		t, err := s.Query.Token(who.Actor(ctx), graph.TokenID(in.ID))
		if err != nil {
			return nil, err
		}
		return s.changed(ctx, graph.RemoveToken{Token: t.ID})
	})
}

func (s *Server) addToken(ctx context.Context, in *addToken) (*body[issued], error) {
	owner, err := s.owner(ctx, in.Body.Owner)
	if err != nil {
		return nil, err
	}
	token := secret.NewToken()
	add := graph.AddToken{Owner: owner, Hash: secret.HashToken(token), Comment: in.Body.Comment}
	if in.Body.Expires != nil {
		add.Expires = *in.Body.Expires
	}
	out, err := s.change(ctx, add)
	if err != nil {
		return nil, err
	}
	return &body[issued]{issued{out.Body.ID, token.Reveal()}}, nil
}

// owner is for whom something is added: 0, which is the asker, or a user by name.
func (s *Server) owner(ctx context.Context, handle string) (graph.UserID, error) {
	if handle == "" {
		return 0, nil
	}
	return s.user(ctx, handle)
}
