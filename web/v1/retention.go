package v1

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/query/view"
)

func registerRetention(s *Service, h huma.API) {
	op(s, h, api.ShowRetention, func(ctx context.Context, _ *api.None) (view.Retention, error) {
		if !s.viewer(ctx).CanSeeAll() {
			return view.Retention{}, &graph.Error{Code: graph.Denied, Msg: "only admins and auditors see the retention"}
		}
		return s.Changer.Retention(), nil
	})
	op(s, h, api.HoldRetention, func(ctx context.Context, _ *api.None) (api.None, error) {
		return s.changed(ctx, graph.HoldRetention{})
	})
	op(s, h, api.ResumeRetention, func(ctx context.Context, _ *api.None) (api.None, error) {
		return s.changed(ctx, graph.ResumeRetention{})
	})
	op(s, h, api.AcceptRetention, func(ctx context.Context, _ *api.None) (view.Retention, error) {
		now := s.Changer.Retention()
		_, err := s.change(ctx, graph.AcceptRetention{Clock: now.Clock})
		return now, err
	})
}
