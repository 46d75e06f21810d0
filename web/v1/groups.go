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

func (s *Service) registerGroups(h huma.API) {
	list(s, h, api.ListGroups, func(ctx context.Context, in *api.GroupsQuery) ([]view.Group, string, error) {
		all, err := filter.Groups(s.Query.Groups(who.Actor(ctx)), in.Text)
		if err != nil {
			return nil, "", err
		}
		return page(in.Page, all, func(g view.Group) uint64 { return uint64(g.ID) })
	})
	op(s, h, api.ShowGroup, func(ctx context.Context, in *api.GroupPath) (view.Group, error) {
		return s.Query.Group(who.Actor(ctx), in.Group)
	})
	op(s, h, api.AddGroup, func(ctx context.Context, in *api.With[api.NewGroup]) (api.Created, error) {
		return s.change(ctx, graph.AddGroup{Name: in.Body.Name})
	})
	op(s, h, api.RemoveGroup, func(ctx context.Context, in *api.GroupPath) (api.None, error) {
		g, err := query.ResolveGroup(s.viewer(ctx), in.Group)
		if err != nil {
			return api.None{}, err
		}
		return s.changed(ctx, graph.RemoveGroup{Group: g.ID})
	})
	op(s, h, api.LeaveGroup, func(ctx context.Context, in *api.GroupPath) (api.None, error) {
		g, err := query.ResolveGroup(s.viewer(ctx), in.Group)
		if err != nil {
			return api.None{}, err
		}
		return s.changed(ctx, graph.RemoveMember{Group: g.ID, User: who.Actor(ctx).User})
	})
	s.registerMembers(h)
}

func (s *Service) registerMembers(h huma.API) {
	op(s, h, api.AddMember, func(ctx context.Context, in *api.MemberAdd) (api.None, error) {
		group, user, err := s.member(ctx, in.Group, in.Body.User)
		if err != nil {
			return api.None{}, err
		}
		return s.changed(ctx, graph.AddMember{Group: group, User: user})
	})
	op(s, h, api.AskToJoin, func(ctx context.Context, in *api.JoinRequestAdd) (api.None, error) {
		g, err := query.ResolveGroup(s.viewer(ctx), in.Group)
		if err != nil {
			return api.None{}, err
		}
		return s.changed(ctx, graph.AskToJoin{Group: g.ID, Note: in.Body.Note})
	})
	op(s, h, api.AcceptRequest, func(ctx context.Context, in *api.MemberPath) (api.None, error) {
		group, user, err := s.member(ctx, in.Group, in.User)
		if err != nil {
			return api.None{}, err
		}
		return s.changed(ctx, graph.AddMember{Group: group, User: user, Asked: true})
	})
	op(s, h, api.RemoveRequest, func(ctx context.Context, in *api.MemberPath) (api.None, error) {
		group, user, err := s.member(ctx, in.Group, in.User)
		if err != nil {
			return api.None{}, err
		}
		return s.changed(ctx, graph.RemoveRequest{Group: group, User: user})
	})
	op(s, h, api.EditMember, func(ctx context.Context, in *api.MemberEdit) (api.None, error) {
		group, user, err := s.member(ctx, in.Group, in.User)
		if err != nil {
			return api.None{}, err
		}
		return s.changed(ctx, graph.SetGroupAdmin{Group: group, User: user, Admin: in.Body.Admin})
	})
	op(s, h, api.RemoveMember, func(ctx context.Context, in *api.MemberPath) (api.None, error) {
		group, user, err := s.member(ctx, in.Group, in.User)
		if err != nil {
			return api.None{}, err
		}
		return s.changed(ctx, graph.RemoveMember{Group: group, User: user})
	})
}

func (s *Service) member(ctx context.Context, group, user string) (graph.GroupID, graph.UserID, error) {
	g, err := query.ResolveGroup(s.viewer(ctx), group)
	if err != nil {
		return 0, 0, err
	}
	u, err := query.ResolveUser(s.viewer(ctx), user)
	if err != nil {
		return 0, 0, err
	}
	return g.ID, u.ID, nil
}
