package web

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/graph"
	"hpfriends/web/who"
)

// Cluster is what the operator of a cluster asks a node. Refusals are *graph.Error.
type Cluster interface {
	ClusterStatus(ctx context.Context) (ClusterStatus, error)
	// JoinToken makes a secret with which nodes join.
	JoinToken(ctx context.Context, life time.Duration) (token string, expires time.Time, err error)
	// Operate does what ClusterVerbs names.
	Operate(ctx context.Context, verb, node string, force bool) error
}

// ClusterVerbs are the operations on a cluster, and what they do.
var ClusterVerbs = map[string]string{
	"remove":   "Take a member out of the cluster; its node id is never used again",
	"promote":  "Give a member a vote",
	"transfer": "Hand leadership to a member; without one, to the voter that has caught up best",
	"leave":    "Take the node that is asked out of the cluster; its server then stops",
	"drain":    "Send the clients of a node elsewhere; without one, of the node that is asked",
	"undrain":  "Let a node take clients again; without one, the node that is asked",
}

// ClusterStatus is the cluster as the asked node sees it.
type ClusterStatus struct {
	Cluster  string          `json:"cluster"`
	Node     string          `json:"node" doc:"the node that answers"`
	Leader   string          `json:"leader" doc:"empty: there is none"`
	Term     uint64          `json:"term"`
	Members  []ClusterMember `json:"members"`
	Warnings []string        `json:"warnings" doc:"what to know before the next failure"`
}

// ClusterMember is one node. All but its id, address and role is by its own account.
type ClusterMember struct {
	ID            string  `json:"id"`
	Address       string  `json:"address"`
	Role          string  `json:"role" enum:"leader,voter,nonvoter"`
	Error         string  `json:"error,omitempty" doc:"why it did not answer"`
	Version       string  `json:"version,omitempty"`
	Applied       uint64  `json:"applied"`
	LagEntries    uint64  `json:"lagEntries" doc:"committed and not applied there"`
	LagSeconds    float64 `json:"lagSeconds"`
	LastContactMS int64   `json:"lastContactMs" doc:"milliseconds since it heard its leader"`
	DiskFull      bool    `json:"diskFull"`
	Drained       bool    `json:"drained" doc:"it takes no clients"`
	Clients       int     `json:"clients" doc:"connected to it, by hpfeeds"`
}

type clusterOrder struct {
	Body struct {
		Node  string `json:"node,omitempty" maxLength:"64"`
		Force bool   `json:"force,omitempty" doc:"although it harms"`
	}
}

type joinTokenOrder struct {
	Body struct {
		Seconds int64 `json:"seconds" minimum:"60" maximum:"604800" doc:"how long the token is good"`
	}
}

type joinToken struct {
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}

func (s *Server) registerCluster(h huma.API) {
	if s.Cluster == nil {
		return
	}
	op(s, h, "GET /cluster", "Show the members of the cluster", func(ctx context.Context, _ *none) (*body[ClusterStatus], error) {
		if !s.Query.Graph().CanSeeAll(who.Actor(ctx)) {
			return nil, &graph.Error{Code: graph.Denied, Msg: "only admins and auditors see the cluster"}
		}
		ctx, cancel := context.WithTimeout(ctx, changeTimeout)
		defer cancel()
		status, err := s.Cluster.ClusterStatus(ctx)
		return &body[ClusterStatus]{status}, err
	})
	op(s, h, "POST /cluster/token", "Make a token with which nodes join; it is shown only once", s.addJoinToken)
	for _, verb := range slices.Sorted(maps.Keys(ClusterVerbs)) {
		s.clusterOrder(h, verb)
	}
}

// clusterOrder registers an operation on the cluster.
func (s *Server) clusterOrder(h huma.API, verb string) {
	op(s, h, "POST /cluster/"+verb, ClusterVerbs[verb], func(ctx context.Context, in *clusterOrder) (*none, error) {
		if err := s.Query.Graph().MayRunCluster(who.Actor(ctx)); err != nil {
			return nil, err
		}
		s.Logger.Info("cluster", "verb", verb, "node", in.Body.Node, "force", in.Body.Force, "user", who.Actor(ctx).User, "from", who.Actor(ctx).From)
		ctx, cancel := context.WithTimeout(ctx, changeTimeout)
		defer cancel()
		return &none{}, s.Cluster.Operate(ctx, verb, in.Body.Node, in.Body.Force)
	})
}

func (s *Server) addJoinToken(ctx context.Context, in *joinTokenOrder) (*body[joinToken], error) {
	if err := s.Query.Graph().MayRunCluster(who.Actor(ctx)); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	token, expires, err := s.Cluster.JoinToken(ctx, time.Duration(in.Body.Seconds)*time.Second)
	if err != nil {
		return nil, err
	}
	s.Logger.Info("cluster", "verb", "token", "expires", expires, "user", who.Actor(ctx).User, "from", who.Actor(ctx).From)
	return &body[joinToken]{joinToken{token, expires}}, nil
}
