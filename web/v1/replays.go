package v1

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/query/view"
	"hpfriends/web/replay"
	"hpfriends/web/who"
)

func registerReplays(s *Service, h huma.API) {
	op(s, h, api.StartReplay, func(ctx context.Context, in *api.With[api.NewReplay]) (view.Replay, error) {
		b := in.Body
		if b.Since == "" && b.From == "" {
			return view.Replay{}, &graph.Error{
				Code: graph.Invalid, Msg: "it is not said where to begin", Hint: "give since or from; first is all that there is",
			}
		}
		f, err := s.filter(api.MessageQuery{
			Channel: b.Channel, Since: b.Since, From: b.From, Until: b.Until, Limit: b.Limit,
		})
		if err != nil {
			return view.Replay{}, err
		}
		f.Contains = []byte(b.Text)
		return s.Replays.Start(who.Actor(ctx), replay.Order{
			Filter: f, To: b.To, Authkey: b.Authkey, Speed: b.Speed, Rate: b.Rate, DryRun: b.DryRun, Patterns: b.Channel,
		})
	})
	op(s, h, api.ListReplays, func(ctx context.Context, _ *api.None) ([]view.Replay, error) {
		return s.Replays.List(who.Actor(ctx)), nil
	})
	op(s, h, api.ShowReplay, func(ctx context.Context, in *api.ReplayPath) (view.Replay, error) {
		return s.Replays.Find(who.Actor(ctx), in.ID)
	})
	op(s, h, api.StopReplay, func(ctx context.Context, in *api.ReplayPath) (api.None, error) {
		return api.None{}, s.Replays.Stop(who.Actor(ctx), in.ID)
	})
}
