package web

import (
	"context"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/graph"
	"hpfriends/query"
)

type sharePath struct {
	ID uint64 `path:"id"`
}

type listShares struct {
	User string `query:"user" doc:"handle; empty: yourself, or all shares for the operator"`
	In   bool   `query:"in" doc:"shares with the user, instead of those they made"`
}

type addShare struct {
	Body struct {
		Channel graph.Pattern   `json:"channel" doc:"a channel, or a prefix followed by *"`
		To      string          `json:"to" doc:"handle, or group:NAME"`
		Type    graph.ShareType `json:"type,omitempty" enum:"own,all" doc:"own: only your own events; all: also what you receive"`
		History graph.History   `json:"history,omitempty" enum:"from-share,full"`
		Note    string          `json:"note,omitempty"`
		Expires *time.Time      `json:"expires,omitempty"`
	}
}

func (s *Server) registerShares(api huma.API) {
	op(s, api, "GET /shares", "List shares", func(ctx context.Context, in *listShares) (*body[[]query.Share], error) {
		user, err := s.user(ctx, in.User)
		if err != nil {
			return nil, err
		}
		if in.In {
			return &body[[]query.Share]{s.Query.SharesWith(actor(ctx), user)}, nil
		}
		return &body[[]query.Share]{s.Query.SharesFrom(actor(ctx), user)}, nil
	})
	op(s, api, "GET /shares/{id}", "Show a share", func(ctx context.Context, in *sharePath) (*body[query.Share], error) {
		v, err := s.Query.Share(actor(ctx), graph.ShareID(in.ID))
		return &body[query.Share]{v}, err
	})
	op(s, api, "POST /shares", "Share a channel with a user or a group", s.addShare)
	op(s, api, "POST /shares/{id}/accept", "Enable a share with you", func(ctx context.Context, in *sharePath) (*none, error) {
		return s.changed(ctx, graph.DecideShare{Share: graph.ShareID(in.ID), Accept: true})
	})
	op(s, api, "POST /shares/{id}/disable", "Disable a share with you", func(ctx context.Context, in *sharePath) (*none, error) {
		return s.changed(ctx, graph.DecideShare{Share: graph.ShareID(in.ID)})
	})
	op(s, api, "DELETE /shares/{id}", "Remove a share", func(ctx context.Context, in *sharePath) (*none, error) {
		return s.changed(ctx, graph.RemoveShare{Share: graph.ShareID(in.ID)})
	})
}

func (s *Server) addShare(ctx context.Context, in *addShare) (*body[created], error) {
	b := in.Body
	add := graph.AddShare{Channel: b.Channel, Type: b.Type, History: b.History, Note: b.Note}
	if add.Type == "" {
		add.Type = graph.Own
	}
	if add.History == "" {
		add.History = graph.FromShare
	}
	if b.Expires != nil {
		add.Expires = *b.Expires
	}
	if name, ok := strings.CutPrefix(b.To, "group:"); ok {
		g, err := s.Query.Group(actor(ctx), name)
		if err != nil {
			return nil, err
		}
		add.Group = g.ID
	} else {
		u, err := s.Query.User(actor(ctx), b.To)
		if err != nil {
			return nil, err
		}
		add.User = u.ID
	}
	return s.change(ctx, add)
}
