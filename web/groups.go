package web

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/graph"
	"hpfriends/query"
	"hpfriends/web/who"
)

type GroupPath struct {
	Group string `path:"group"`
}

type MemberPath struct {
	GroupPath
	User string `path:"user"`
}

type listGroups struct{ PageQuery }

type addGroup struct {
	Body struct {
		Name string `json:"name"`
	}
}

type addMember struct {
	GroupPath
	Body struct {
		User string `json:"user" doc:"handle"`
	}
}

type editMember struct {
	MemberPath
	Body struct {
		Admin bool `json:"admin"`
	}
}

func (s *Server) registerGroups(h huma.API) {
	op(s, h, "GET /groups", "List groups", func(ctx context.Context, in *listGroups) (*array[query.Group], error) {
		return page(&in.PageQuery, s.Query.Groups(who.Actor(ctx)), func(g query.Group) uint64 { return uint64(g.ID) })
	})
	op(s, h, "GET /groups/{group}", "Show a group", func(ctx context.Context, in *GroupPath) (*body[query.Group], error) {
		g, err := s.Query.Group(who.Actor(ctx), in.Group)
		return &body[query.Group]{g}, err
	})
	op(s, h, "POST /groups", "Add a group, with yourself as its admin", func(ctx context.Context, in *addGroup) (*body[created], error) {
		return s.change(ctx, graph.AddGroup{Name: in.Body.Name})
	})
	op(s, h, "DELETE /groups/{group}", "Remove a group", func(ctx context.Context, in *GroupPath) (*none, error) {
		g, err := s.Query.Group(who.Actor(ctx), in.Group)
		if err != nil {
			return nil, err
		}
		return s.changed(ctx, graph.RemoveGroup{Group: g.ID})
	})
	op(s, h, "POST /groups/{group}/leave", "Leave a group", func(ctx context.Context, in *GroupPath) (*none, error) {
		g, err := s.Query.Group(who.Actor(ctx), in.Group)
		if err != nil {
			return nil, err
		}
		return s.changed(ctx, graph.RemoveMember{Group: g.ID, User: who.Actor(ctx).User})
	})
	s.registerMembers(h)
}

func (s *Server) registerMembers(h huma.API) {
	op(s, h, "POST /groups/{group}/members", "Add a member", func(ctx context.Context, in *addMember) (*none, error) {
		group, user, err := s.member(ctx, in.Group, in.Body.User)
		if err != nil {
			return nil, err
		}
		return s.changed(ctx, graph.AddMember{Group: group, User: user})
	})
	op(s, h, "PATCH /groups/{group}/members/{user}", "Make a member admin of the group, or no longer", func(ctx context.Context, in *editMember) (*none, error) {
		group, user, err := s.member(ctx, in.Group, in.User)
		if err != nil {
			return nil, err
		}
		return s.changed(ctx, graph.SetGroupAdmin{Group: group, User: user, Admin: in.Body.Admin})
	})
	op(s, h, "DELETE /groups/{group}/members/{user}", "Remove a member, or leave", func(ctx context.Context, in *MemberPath) (*none, error) {
		group, user, err := s.member(ctx, in.Group, in.User)
		if err != nil {
			return nil, err
		}
		return s.changed(ctx, graph.RemoveMember{Group: group, User: user})
	})
}

func (s *Server) member(ctx context.Context, group, user string) (graph.GroupID, graph.UserID, error) {
	g, err := s.Query.Group(who.Actor(ctx), group)
	if err != nil {
		return 0, 0, err
	}
	u, err := s.Query.User(who.Actor(ctx), user)
	return g.ID, u.ID, err
}
