package pages

import (
	"cmp"
	"errors"
	"strconv"
	"strings"
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

// Limits say how long; empty: for ever.
func (k kept) Limits() string {
	var limits []string
	if k.AgeSeconds != 0 {
		limits = append(limits, "for "+format.Duration(time.Duration(k.AgeSeconds)*time.Second))
	}
	if k.SizeBytes != 0 {
		limits = append(limits, "up to "+format.Size(k.SizeBytes))
	}
	return strings.Join(limits, ", and ")
}

// Vouched is what is typed by whoever vouches for the clock, or for the removal that waits: a day of it; empty: nothing
// is to be vouched for.
func (k kept) Vouched() string {
	switch {
	case k.Waiting != nil:
		return k.Waiting.Until.UTC().Format(time.DateOnly)
	case !k.Trusted:
		return k.Clock.UTC().Format(time.DateOnly)
	}
	return ""
}

// Left is until what waits begins by itself.
func (k kept) Left() string { return format.Duration(time.Duration(k.Waiting.Seconds) * time.Second) }

// Ahead is how many seconds the machine's clock is before the time that the node goes by.
func (k kept) Ahead() int64 { return int64(k.Clock.Sub(k.Now) / time.Second) }

// Until is the end of the removal that waits, in seconds; 0: none does.
func (k kept) Until() int64 {
	if k.Waiting == nil {
		return 0
	}
	return k.Waiting.Until.Unix()
}

// acceptRetention vouches for the clock and the removal that the page has shown, and for no others.
func acceptRetention(r *request) (done, error) {
	var now kept
	var err error
	if now.Retention, err = ask(r, api.ShowRetention, api.None{}); err != nil {
		return done{}, err
	}
	if now.Vouched() == "" {
		return done{}, &graph.Error{Code: graph.Conflict, Msg: "the clock is trusted, and no removal waits"}
	}
	if err := r.sure(now.Vouched()); err != nil {
		return done{}, err
	}
	ahead, errAhead := strconv.ParseInt(r.PostForm.Get("ahead"), 10, 64)
	until, errUntil := strconv.ParseInt(r.PostForm.Get("until"), 10, 64)
	// The two clocks go on alike unless one steps; a request takes no minute.
	if off := now.Ahead() - ahead; errAhead != nil || errUntil != nil || until != now.Until() || max(off, -off) > 60 {
		return done{}, &graph.Error{
			Code: graph.Conflict, Msg: "nothing was accepted: the clock, or what goes, is no longer what the page had said",
			Hint: "look at it again",
		}
	}
	_, err = ask(r, api.AcceptRetention, api.None{})
	return done{notice: "The clock is taken to be right, and what waits is removed."}, err
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
func onRetention(o api.Op[api.None, api.None], notice string) func(*request) (done, error) {
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
