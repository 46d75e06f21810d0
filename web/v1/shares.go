package v1

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/query"
	"hpfriends/query/filter"
	"hpfriends/query/view"
	"hpfriends/web/who"
)

func (s *Service) registerShares(h huma.API) {
	list(s, h, api.ListShares, func(ctx context.Context, in *api.SharesQuery) ([]view.Share, string, error) {
		user, err := s.user(ctx, in.User)
		if err != nil {
			return nil, "", err
		}
		shares := s.Query.SharesFrom
		if in.In {
			shares = s.Query.SharesWith
		}
		all, err := filter.Shares{
			Text: in.Text, Type: graph.ShareType(in.Type), Owner: in.Owner, Receiver: in.Receiver,
			State: view.Decision(in.State),
		}.Of(shares(who.Actor(ctx), user))
		if err != nil {
			return nil, "", err
		}
		rows, next, err := page(in.Page, all, func(v view.Share) uint64 { return uint64(v.ID) })
		if err == nil && in.Delivered {
			err = s.Query.Delivered(ctx, who.Actor(ctx), s.Changer.Now(), rows)
		}
		return rows, next, err
	})
	op(s, h, api.ShowShare, func(ctx context.Context, in *api.SharePath) (view.Share, error) {
		return s.Query.Share(who.Actor(ctx), graph.ShareID(in.ID))
	})
	op(s, h, api.AddShare, s.addShare)
	op(s, h, api.PreviewShare, s.previewShare)
	op(s, h, api.AcceptShare, func(ctx context.Context, in *api.SharePath) (api.None, error) {
		return s.onShare(ctx, in, func(id graph.ShareID) graph.Op { return graph.DecideShare{Share: id, Accept: true} })
	})
	op(s, h, api.DisableShare, func(ctx context.Context, in *api.SharePath) (api.None, error) {
		return s.onShare(ctx, in, func(id graph.ShareID) graph.Op { return graph.DecideShare{Share: id} })
	})
	op(s, h, api.EditShare, func(ctx context.Context, in *api.ShareEdit) (api.None, error) {
		return s.onShare(ctx, &in.SharePath, func(id graph.ShareID) graph.Op {
			return graph.EditShare{Share: id, Note: in.Body.Note, Expires: in.Body.Expires}
		})
	})
	op(s, h, api.RemoveShare, func(ctx context.Context, in *api.SharePath) (api.None, error) {
		return s.onShare(ctx, in, func(id graph.ShareID) graph.Op { return graph.RemoveShare{Share: id} })
	})
}

// onShare proposes a change of a share that the asker can see; another does not exist for them.
func (s *Service) onShare(
	ctx context.Context, in *api.SharePath, change func(graph.ShareID) graph.Op,
) (api.None, error) {
	share, err := query.ResolveShare(s.viewer(ctx), graph.ShareID(in.ID))
	if err != nil {
		return api.None{}, err
	}
	return s.changed(ctx, change(share.ID))
}

func (s *Service) addShare(ctx context.Context, in *api.With[api.NewShare]) (out api.Created, err error) {
	b := in.Body
	add := graph.AddShare{Channel: b.Channel, Type: b.Type, History: b.History, Note: b.Note}
	if b.Expires != nil {
		add.Expires = *b.Expires
	}
	if add.User, add.Group, err = query.ResolveReceiver(s.viewer(ctx), b.To); err != nil {
		return out, err
	}
	return s.change(ctx, add)
}

func (s *Service) previewShare(ctx context.Context, in *api.SharePreviewQuery) (out view.SharePreview, err error) {
	add := graph.AddShare{Channel: graph.Pattern(in.Channel), Type: graph.ShareType(in.Type)}
	if add.User, add.Group, err = query.ResolveReceiver(s.viewer(ctx), in.To); err != nil {
		return out, err
	}
	return s.Query.PreviewShare(ctx, who.Actor(ctx), add, s.Changer.Now())
}
