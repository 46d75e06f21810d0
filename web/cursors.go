package web

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/query"
	"hpfriends/web/who"
)

type listCursors struct {
	PageQuery
	Authkey string `query:"authkey" doc:"ident; empty: of all authkeys that you may see"`
}

type CursorPath struct {
	Ident string `path:"ident" doc:"of the authkey, percent-encoded"`
	Name  string `path:"name"`
}

type resetCursor struct {
	CursorPath
	Body struct {
		To string `json:"to" minLength:"1" doc:"first, now, a position (#812.4), or a time, also as how long ago (2h)"`
	}
}

// registerCursors adds the operations on durable subscriptions. Who may edit an authkey may reset and remove its cursors.
func (s *Server) registerCursors(h huma.API) {
	op(s, h, "GET /cursors", "List durable subscriptions and how far they got, those last claimed or reset last", func(ctx context.Context, in *listCursors) (*array[query.Cursor], error) {
		all, err := s.Query.Cursors(who.Actor(ctx), in.Authkey)
		if err != nil {
			return nil, err
		}
		return page(&in.PageQuery, all, func(c query.Cursor) uint64 { return c.Epoch })
	})
	op(s, h, "POST /cursors/{ident}/{name}/reset", "Move a durable subscription; a connection that reads by it ends", func(ctx context.Context, in *resetCursor) (*none, error) {
		to, err := s.Query.ParsePosition(in.Body.To, time.Now())
		if err != nil {
			return nil, err
		}
		return s.onCursor(ctx, &in.CursorPath, func(ctx context.Context, authkey uint64) error {
			return s.Cursors.Reset(ctx, who.Actor(ctx), authkey, in.Name, to)
		})
	})
	op(s, h, "DELETE /cursors/{ident}/{name}", "Remove a durable subscription; a connection that reads by it ends", func(ctx context.Context, in *CursorPath) (*none, error) {
		return s.onCursor(ctx, in, func(ctx context.Context, authkey uint64) error {
			return s.Cursors.Remove(ctx, who.Actor(ctx), authkey, in.Name)
		})
	})
}

func (s *Server) onCursor(ctx context.Context, p *CursorPath, change func(ctx context.Context, authkey uint64) error) (*none, error) {
	_, k, err := s.Query.Authkey(who.Actor(ctx), p.Ident)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	if err := change(ctx, uint64(k.ID)); err != nil {
		return nil, err
	}
	return &none{}, nil
}
