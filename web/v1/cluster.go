package v1

import (
	"cmp"
	"context"
	"path"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/web/who"
)

// Cluster is what the operator of a cluster asks a node. Refusals are *graph.Error.
type Cluster interface {
	ClusterStatus(ctx context.Context) (api.Cluster, error)
	// JoinToken makes a secret with which nodes join; by is the handle of who asks.
	JoinToken(ctx context.Context, t api.NewJoinToken, by string) (api.JoinToken, error)
	JoinTokens() ([]api.ListedJoinToken, error)
	RemoveJoinToken(ctx context.Context, id, by string) error
	// Operate does what clusterOrders name: remove, promote, transfer, leave, drain or undrain.
	Operate(ctx context.Context, verb, node string, force bool) error
}

// clusterOrders are the operations that change the cluster. The verb is the last part of the route.
var clusterOrders = []api.Op[api.With[api.NodeOrder], api.None]{
	api.DrainNode, api.LeaveCluster, api.PromoteNode, api.RemoveNode, api.TransferLeadership, api.UndrainNode,
}

func (s *Service) registerCluster(h huma.API) {
	if s.Cluster == nil {
		return
	}
	op(s, h, api.ShowCluster, func(ctx context.Context, _ *api.None) (api.Cluster, error) {
		if err := seesCluster(ctx, s); err != nil {
			return api.Cluster{}, err
		}
		ctx, cancel := context.WithTimeout(ctx, changeTimeout)
		defer cancel()
		return s.Cluster.ClusterStatus(ctx)
	})
	op(s, h, api.AddJoinToken, s.addJoinToken)
	op(s, h, api.ListJoinTokens, func(ctx context.Context, _ *api.None) ([]api.ListedJoinToken, error) {
		if err := seesCluster(ctx, s); err != nil {
			return nil, err
		}
		return s.Cluster.JoinTokens()
	})
	op(s, h, api.RemoveJoinToken, s.removeJoinToken)
	for _, o := range clusterOrders {
		verb := path.Base(o.Route)
		op(s, h, o, func(ctx context.Context, in *api.With[api.NodeOrder]) (api.None, error) {
			return api.None{}, s.operate(ctx, verb, in.Body)
		})
	}
}

func seesCluster(ctx context.Context, s *Service) error {
	if !s.viewer(ctx).CanSeeAll() {
		return &graph.Error{Code: graph.Denied, Msg: "only admins and auditors see the cluster"}
	}
	return nil
}

func (s *Service) operate(ctx context.Context, verb string, o api.NodeOrder) error {
	a := who.Actor(ctx)
	if err := s.Query.Graph().MayRunCluster(a); err != nil {
		return err
	}
	s.Logger.Info("cluster", "verb", verb, "node", o.Node, "force", o.Force, "user", a.User, "from", a.From)
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	return s.Cluster.Operate(ctx, verb, o.Node, o.Force)
}

func (s *Service) addJoinToken(ctx context.Context, in *api.With[api.NewJoinToken]) (out api.JoinToken, err error) {
	a := who.Actor(ctx)
	if err := s.Query.Graph().MayRunCluster(a); err != nil {
		return out, err
	}
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	t := in.Body
	t.Uses = cmp.Or(t.Uses, 1)
	out, err = s.Cluster.JoinToken(ctx, t, handle(s, a))
	if err == nil {
		s.Logger.Info("cluster", "verb", "token", "id", out.ID, "expires", out.Expires, "user", a.User, "from", a.From)
	}
	return out, err
}

func (s *Service) removeJoinToken(ctx context.Context, in *api.JoinTokenPath) (api.None, error) {
	a := who.Actor(ctx)
	if err := s.Query.Graph().MayRunCluster(a); err != nil {
		return api.None{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	err := s.Cluster.RemoveJoinToken(ctx, in.ID, handle(s, a))
	if err == nil {
		s.Logger.Info("cluster", "verb", "remove token", "id", in.ID, "user", a.User, "from", a.From)
	}
	return api.None{}, err
}

// handle is the name of who asks.
func handle(s *Service, a graph.Actor) string {
	if u, ok := s.Query.Graph().User(a.User); ok {
		return u.Handle
	}
	return "operator"
}
