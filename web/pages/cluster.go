package pages

import (
	"cmp"
	"errors"
	"strconv"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/query/view"
	"hpfriends/web/pages/format"
)

type clusterData struct {
	api.Cluster
	Alone   *api.Problem // there is no cluster
	Status  api.Status   // of the node that is alone, and how many clients it has
	Clients int
	May     bool // who asks may change it
	Voters  int
	Joined  *api.JoinToken // shown once
	Tokens  []api.ListedJoinToken
	Kept    kept
}

// kept is how long messages are kept.
type kept struct{ view.Retention }

// Age and Size are the limits; empty: there is none.
func (k kept) Age() string {
	if k.AgeSeconds == 0 {
		return ""
	}
	return format.Duration(time.Duration(k.AgeSeconds) * time.Second)
}

func (k kept) Size() string {
	if k.SizeBytes == 0 {
		return ""
	}
	return format.Size(k.SizeBytes)
}

func cluster(r *request) (any, error) {
	d, err := nodes(r)
	if err != nil {
		return d, err
	}
	d.Kept.Retention, err = ask(r, api.ShowRetention, api.None{})
	return d, err
}

// nodes are the members of the cluster, or the only node.
func nodes(r *request) (clusterData, error) {
	may := r.viewer.Graph().MayRunCluster(r.actor) == nil
	c, err := ask(r, api.ShowCluster, api.None{})
	if problem := (*api.Problem)(nil); errors.As(err, &problem) && problem.Code == api.Conflict {
		return alone(r, problem, may)
	}
	d := clusterData{Cluster: c, May: may}
	for _, m := range c.Members {
		if m.Role != "nonvoter" {
			d.Voters++
		}
	}
	if err == nil {
		d.Tokens, err = ask(r, api.ListJoinTokens, api.None{})
	}
	return d, err
}

// alone tells how the only node is.
func alone(r *request, why *api.Problem, may bool) (d clusterData, err error) {
	d.Alone, d.May = why, may
	if d.Status, err = ask(r, api.ShowStatus, api.None{}); err != nil {
		return d, err
	}
	clients, err := ask(r, api.ListConnections, api.ConnectionsQuery{Limit: 1})
	d.Clients = clients.Total
	return d, err
}

// Loss says what the loss of one more voter means.
func (d clusterData) Loss() string {
	switch {
	case d.Voters <= 1:
		return "This is the only node that votes: without it, nothing is taken or served."
	case d.Voters == 2:
		return "With two voters, the loss of either stops changes and messages."
	}
	return ""
}

// order is a form of the page, about one node.
func order(o api.Op[api.With[api.NodeOrder], api.None], notice string) func(*request) (done, error) {
	return func(r *request) (done, error) {
		node := r.PostForm.Get("node")
		_, err := ask(r, o, api.With[api.NodeOrder]{Body: api.NodeOrder{
			Node: node, Force: r.PostForm.Get("force") == "on",
		}})
		return done{notice: node + " " + notice}, err
	}
}

// onRetention is a form about how long messages are kept.
func onRetention[Out any](o api.Op[api.None, Out], notice string) func(*request) (done, error) {
	return func(r *request) (done, error) {
		_, err := ask(r, o, api.None{})
		return done{notice: notice}, err
	}
}

func joinToken(r *request) (done, error) {
	seconds, errLife := strconv.ParseInt(cmp.Or(r.PostForm.Get("life"), "3600"), 10, 64)
	uses, errUses := strconv.Atoi(cmp.Or(r.PostForm.Get("uses"), "1"))
	if errLife != nil || errUses != nil {
		return done{}, &graph.Error{Code: graph.Invalid, Msg: "say in numbers for how many nodes, and for how long"}
	}
	token, err := ask(r, api.AddJoinToken, api.With[api.NewJoinToken]{
		Body: api.NewJoinToken{Seconds: seconds, Uses: uses},
	})
	if err != nil {
		return done{}, err
	}
	data, err := cluster(r)
	if err != nil {
		return done{}, err
	}
	d := data.(clusterData)
	d.Joined = &token
	return done{show: d}, nil
}

func removeJoinToken(r *request) (done, error) {
	id := r.PostForm.Get("token")
	_, err := ask(r, api.RemoveJoinToken, api.JoinTokenPath{ID: id})
	return done{notice: "Nobody joins with the token " + id + " any more."}, err
}
