package v1

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/timespec"
	"hpfriends/query"
	"hpfriends/query/view"
	"hpfriends/web/who"
)

func (s *Service) registerSearch(h huma.API) {
	op(s, h, api.Search, func(ctx context.Context, in *api.SearchQuery) (view.SearchResult, error) {
		q := query.SearchQuery{Text: in.Text, Limit: in.Limit, After: in.After}
		for _, k := range in.Kinds {
			q.Kinds = append(q.Kinds, view.Kind(k))
		}
		return s.Query.Search(ctx, who.Actor(ctx), q)
	})
	list(s, h, api.ListChannels, s.listChannels)
	op(s, h, api.TopChannels, func(ctx context.Context, in *api.TopQuery) ([]view.ChannelTotal, error) {
		q := query.TopQuery{By: query.TopBy(in.By), Limit: in.Limit}
		if in.Window != "" {
			d, err := timespec.Duration(in.Window)
			if err != nil || d <= 0 {
				return nil, &graph.Error{Code: graph.Invalid, Msg: "window: how long before now: " + timespec.DurationForms}
			}
			q.Window = d
		}
		return s.Query.Top(ctx, who.Actor(ctx), q, time.Now())
	})
	op(s, h, api.ShowChannel, func(ctx context.Context, in *api.ChannelQuery) (view.ChannelDetail, error) {
		return s.Query.Channel(ctx, who.Actor(ctx), in.Name)
	})
}

func (s *Service) listChannels(ctx context.Context, in *api.ChannelsQuery) (p []view.Channel, next string, err error) {
	p, err = s.Query.Channels(ctx, who.Actor(ctx), in.Prefix, in.After, in.Limit)
	if err == nil && len(p) == in.Limit {
		next = p[len(p)-1].Name
	}
	return p, next, err
}
