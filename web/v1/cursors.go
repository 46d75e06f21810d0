package v1

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/api"
	"hpfriends/query"
	"hpfriends/query/view"
	"hpfriends/web/who"
)

// registerCursors adds the operations on durable subscriptions. Who may edit an authkey may reset and remove its
// cursors.
func (s *Service) registerCursors(h huma.API) {
	list(s, h, api.ListCursors, func(ctx context.Context, in *api.CursorsQuery) ([]view.Cursor, string, error) {
		all, err := s.Query.Cursors(who.Actor(ctx), in.Authkey, true)
		if err != nil {
			return nil, "", err
		}
		return page(in.Page, all, func(c view.Cursor) uint64 { return c.Epoch })
	})
	op(s, h, api.ResetCursor, func(ctx context.Context, in *api.CursorReset) (api.None, error) {
		to, err := s.Query.ParsePosition(in.Body.To, time.Now())
		if err != nil {
			return api.None{}, err
		}
		return s.onCursor(ctx, &in.CursorPath, func(ctx context.Context, authkey uint64) error {
			return s.Cursors.Reset(ctx, who.Actor(ctx), authkey, in.Name, to)
		})
	})
	op(s, h, api.RemoveCursor, func(ctx context.Context, in *api.CursorPath) (api.None, error) {
		return s.onCursor(ctx, in, func(ctx context.Context, authkey uint64) error {
			return s.Cursors.Remove(ctx, who.Actor(ctx), authkey, in.Name)
		})
	})
}

func (s *Service) onCursor(
	ctx context.Context, in *api.CursorPath, change func(ctx context.Context, authkey uint64) error,
) (api.None, error) {
	k, err := query.ResolveAuthkey(s.viewer(ctx), in.Ident)
	if err != nil {
		return api.None{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	return api.None{}, change(ctx, uint64(k.ID))
}
