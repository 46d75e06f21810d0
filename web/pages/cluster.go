package pages

import (
	"cmp"
	"errors"
	"strconv"

	"hpfriends/api"
	"hpfriends/graph"
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
}

func cluster(r *request) (any, error) {
	c, err := ask(r, api.ShowCluster, api.None{})
	if problem := (*api.Problem)(nil); errors.As(err, &problem) && problem.Code == api.Conflict {
		return alone(r, problem)
	}
	d := clusterData{Cluster: c, May: r.viewer.Graph().MayRunCluster(r.actor) == nil}
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
func alone(r *request, why *api.Problem) (d clusterData, err error) {
	d.Alone = why
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
