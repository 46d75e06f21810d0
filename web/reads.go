package web

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/graph"
	"hpfriends/internal/secret"
	"hpfriends/query"
)

type addToken struct {
	Body struct {
		Comment string     `json:"comment,omitempty"`
		Expires *time.Time `json:"expires,omitempty"`
	}
}

type tokenPath struct {
	ID uint64 `path:"id"`
}

// issued is a fresh token; it is shown only here.
type issued struct {
	ID    uint64 `json:"id"`
	Token string `json:"token"`
}

func (s *Server) registerTokens(api huma.API) {
	op(s, api, "GET /tokens", "List your API tokens", func(ctx context.Context, _ *none) (*body[[]query.Token], error) {
		return &body[[]query.Token]{s.Query.Tokens(actor(ctx), actor(ctx).User)}, nil
	})
	op(s, api, "POST /tokens", "Add an API token; it is shown only once", func(ctx context.Context, in *addToken) (*body[issued], error) {
		token := secret.NewToken()
		add := graph.AddToken{Hash: secret.HashToken(token), Comment: in.Body.Comment}
		if in.Body.Expires != nil {
			add.Expires = *in.Body.Expires
		}
		out, err := s.change(ctx, add)
		if err != nil {
			return nil, err
		}
		return &body[issued]{issued{out.Body.ID, token}}, nil
	})
	op(s, api, "DELETE /tokens/{id}", "Remove an API token", func(ctx context.Context, in *tokenPath) (*none, error) {
		return s.changed(ctx, graph.RemoveToken{Token: graph.TokenID(in.ID)})
	})
}

type explainQuery struct {
	From    string `query:"from" required:"true" doc:"handle of the publisher"`
	To      string `query:"to" required:"true" doc:"handle of the receiver"`
	Channel string `query:"channel" required:"true"`
}

type logQuery struct {
	Since   time.Time `query:"since"`
	Ident   string    `query:"ident"`
	Channel string    `query:"channel"`
	Address string    `query:"address"`
	Limit   int       `query:"limit" minimum:"1" maximum:"10000" default:"1000"`
}

type whoami struct {
	User     string     `json:"user,omitempty" doc:"handle"`
	Role     graph.Role `json:"role,omitempty"`
	Operator bool       `json:"operator" doc:"owner of the data directory"`
}

type status struct {
	Version string `json:"version"`
	Ready   bool   `json:"ready"`
	Reason  string `json:"reason,omitempty"`
	Index   uint64 `json:"index" doc:"newest change of the graph"`
}

func (s *Server) registerReads(api huma.API) {
	op(s, api, "GET /explain", "Whether what one user publishes reaches another, and why", func(ctx context.Context, in *explainQuery) (*body[query.Explanation], error) {
		x, err := s.Query.Explain(actor(ctx), in.From, in.To, in.Channel)
		return &body[query.Explanation]{x}, err
	})
	op(s, api, "GET /logs", "Refusals that concern your authkeys, newest first", func(ctx context.Context, in *logQuery) (*body[[]query.LogRow], error) {
		rows, err := s.Query.Logs(actor(ctx), query.LogFilter{Since: in.Since, Ident: in.Ident, Channel: in.Channel, Address: in.Address, Limit: in.Limit})
		return &body[[]query.LogRow]{rows}, err
	})
	op(s, api, "GET /whoami", "Who you are here", func(ctx context.Context, _ *none) (*body[whoami], error) {
		a := actor(ctx)
		w := whoami{Operator: a.Operator}
		if u, ok := s.Query.Graph().User(a.User); ok {
			w.User, w.Role = u.Handle, u.Role
		}
		return &body[whoami]{w}, nil
	})
	op(s, api, "GET /status", "State of the server", func(ctx context.Context, _ *none) (*body[status], error) {
		st := status{Version: s.Version, Index: s.Query.Graph().Index(), Ready: true}
		if err := s.Ready(ctx); err != nil {
			st.Ready, st.Reason = false, err.Error()
		}
		return &body[status]{st}, nil
	})
}
