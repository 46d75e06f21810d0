package web

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/graph"
	"hpfriends/query"
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

func (s *Server) registerGroups(api huma.API) {
	op(s, api, "GET /groups", "List groups", func(ctx context.Context, in *listGroups) (*array[query.Group], error) {
		return page(&in.PageQuery, s.Query.Groups(actor(ctx)), func(g query.Group) uint64 { return uint64(g.ID) })
	})
	op(s, api, "GET /groups/{group}", "Show a group", func(ctx context.Context, in *GroupPath) (*body[query.Group], error) {
		g, err := s.Query.Group(actor(ctx), in.Group)
		return &body[query.Group]{g}, err
	})
	op(s, api, "POST /groups", "Add a group, with yourself as its admin", func(ctx context.Context, in *addGroup) (*body[created], error) {
		return s.change(ctx, graph.AddGroup{Name: in.Body.Name})
	})
	op(s, api, "DELETE /groups/{group}", "Remove a group", func(ctx context.Context, in *GroupPath) (*none, error) {
		g, err := s.Query.Group(actor(ctx), in.Group)
		if err != nil {
			return nil, err
		}
		return s.changed(ctx, graph.RemoveGroup{Group: g.ID})
	})
	op(s, api, "POST /groups/{group}/leave", "Leave a group", func(ctx context.Context, in *GroupPath) (*none, error) {
		g, err := s.Query.Group(actor(ctx), in.Group)
		if err != nil {
			return nil, err
		}
		return s.changed(ctx, graph.RemoveMember{Group: g.ID, User: actor(ctx).User})
	})
	s.registerMembers(api)
}

func (s *Server) registerMembers(api huma.API) {
	op(s, api, "POST /groups/{group}/members", "Add a member", func(ctx context.Context, in *addMember) (*none, error) {
		group, user, err := s.member(ctx, in.Group, in.Body.User)
		if err != nil {
			return nil, err
		}
		return s.changed(ctx, graph.AddMember{Group: group, User: user})
	})
	op(s, api, "PATCH /groups/{group}/members/{user}", "Make a member admin of the group, or no longer", func(ctx context.Context, in *editMember) (*none, error) {
		group, user, err := s.member(ctx, in.Group, in.User)
		if err != nil {
			return nil, err
		}
		return s.changed(ctx, graph.SetGroupAdmin{Group: group, User: user, Admin: in.Body.Admin})
	})
	op(s, api, "DELETE /groups/{group}/members/{user}", "Remove a member, or leave", func(ctx context.Context, in *MemberPath) (*none, error) {
		group, user, err := s.member(ctx, in.Group, in.User)
		if err != nil {
			return nil, err
		}
		return s.changed(ctx, graph.RemoveMember{Group: group, User: user})
	})
}

func (s *Server) member(ctx context.Context, group, user string) (graph.GroupID, graph.UserID, error) {
	g, err := s.Query.Group(actor(ctx), group)
	if err != nil {
		return 0, 0, err
	}
	u, err := s.Query.User(actor(ctx), user)
	return g.ID, u.ID, err
}
