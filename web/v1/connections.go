package v1

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/query"
	"hpfriends/query/view"
	"hpfriends/web/who"
)

// Connections are those of hpfeeds clients, at all nodes. A user or authkey of 0 is any.
type Connections interface {
	ListConnections(ctx context.Context, user graph.UserID, authkey graph.AuthkeyID, limit int) (view.Connections, error)
	CloseConnection(ctx context.Context, node string, number uint64, user graph.UserID) error
}

func registerConnections(s *Service, h huma.API) {
	op(s, h, api.ListConnections, func(ctx context.Context, in *api.ConnectionsQuery) (view.Connections, error) {
		return listConnections(ctx, s, in)
	})
	op(s, h, api.CloseConnection, func(ctx context.Context, in *api.ConnectionPath) (api.None, error) {
		return api.None{}, closeConnection(ctx, s, in)
	})
}

var noConnections = &graph.Error{Code: graph.Conflict, Msg: "nothing connects to this server by hpfeeds"}

func listConnections(
	ctx context.Context, s *Service, in *api.ConnectionsQuery,
) (out view.Connections, err error) {
	v := s.viewer(ctx)
	var user graph.UserID
	var authkey graph.AuthkeyID
	if in.User != "" {
		if user, err = s.user(ctx, in.User); err != nil {
			return out, err
		}
	}
	if in.Authkey != "" {
		k, err := query.ResolveAuthkey(v, in.Authkey)
		if err != nil {
			return out, err
		}
		authkey = k.ID
	}
	nothing := view.Connections{Connections: []view.Connection{}, Silent: []string{}}
	if !v.CanSeeAll() {
		if !v.CanSeeAnything() || user != 0 && user != v.User {
			return nothing, nil
		}
		user = v.User
	}
	if s.Connections == nil {
		return nothing, nil
	}
	return s.Connections.ListConnections(ctx, user, authkey, in.Limit)
}

func closeConnection(ctx context.Context, s *Service, in *api.ConnectionPath) error {
	a := who.Actor(ctx)
	whose := a.User
	if s.Query.Graph().MayRunCluster(a) == nil {
		whose = 0
	}
	if s.Connections == nil {
		return noConnections
	}
	err := s.Connections.CloseConnection(ctx, in.Node, in.Number, whose)
	if err == nil {
		s.Logger.Info("a connection is closed", "node", in.Node, "number", in.Number, "user", a.User, "from", a.From)
	}
	return err
}
