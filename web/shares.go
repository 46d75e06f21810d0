package web

import (
	"context"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/graph"
	"hpfriends/query"
	"hpfriends/web/who"
)

type sharePath struct {
	ID uint64 `path:"id"`
}

type listShares struct {
	PageQuery
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

func (s *Server) registerShares(h huma.API) {
	op(s, h, "GET /shares", "List shares", func(ctx context.Context, in *listShares) (*array[query.Share], error) {
		user, err := s.user(ctx, in.User)
		if err != nil {
			return nil, err
		}
		shares := s.Query.SharesFrom(who.Actor(ctx), user)
		if in.In {
			shares = s.Query.SharesWith(who.Actor(ctx), user)
		}
		return page(&in.PageQuery, shares, func(v query.Share) uint64 { return uint64(v.ID) })
	})
	op(s, h, "GET /shares/{id}", "Show a share", func(ctx context.Context, in *sharePath) (*body[query.Share], error) {
		v, err := s.Query.Share(who.Actor(ctx), graph.ShareID(in.ID))
		return &body[query.Share]{v}, err
	})
	op(s, h, "POST /shares", "Share a channel with a user or a group", s.addShare)
	op(s, h, "POST /shares/{id}/accept", "Enable a share with you", func(ctx context.Context, in *sharePath) (*none, error) {
		return s.onShare(ctx, in.ID, func(id graph.ShareID) graph.Op { return graph.DecideShare{Share: id, Accept: true} })
	})
	op(s, h, "POST /shares/{id}/disable", "Disable a share with you", func(ctx context.Context, in *sharePath) (*none, error) {
		return s.onShare(ctx, in.ID, func(id graph.ShareID) graph.Op { return graph.DecideShare{Share: id} })
	})
	op(s, h, "DELETE /shares/{id}", "Remove a share", func(ctx context.Context, in *sharePath) (*none, error) {
		return s.onShare(ctx, in.ID, func(id graph.ShareID) graph.Op { return graph.RemoveShare{Share: id} })
	})
}

// onShare proposes a change of a share that the asker can see; another does not exist for them.
func (s *Server) onShare(ctx context.Context, id uint64, change func(graph.ShareID) graph.Op) (*none, error) {
	share, err := s.Query.Share(who.Actor(ctx), graph.ShareID(id))
	if err != nil {
		return nil, err
	}
	return s.changed(ctx, change(share.ID))
}

func (s *Server) addShare(ctx context.Context, in *addShare) (*body[created], error) {
	b := in.Body
	add := graph.AddShare{Channel: b.Channel, Type: b.Type, History: b.History, Note: b.Note}
	if b.Expires != nil {
		add.Expires = *b.Expires
	}
	if name, ok := strings.CutPrefix(b.To, "group:"); ok {
		g, err := s.Query.Group(who.Actor(ctx), name)
		if err != nil {
			return nil, err
		}
		add.Group = g.ID
	} else {
		u, err := s.Query.User(who.Actor(ctx), b.To)
		if err != nil {
			if g, errGroup := s.Query.Group(who.Actor(ctx), b.To); errGroup == nil {
				return nil, &graph.Error{Code: graph.NotFound, Msg: "there is no user " + graph.Clip(b.To), Hint: "for the group, write group:" + g.Name}
			}
			return nil, err
		}
		add.User = u.ID
	}
	return s.change(ctx, add)
}
