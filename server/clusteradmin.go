package server

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hpfriends/api"
	"hpfriends/query/view"
	"hpfriends/raftfsm"
	"hpfriends/raftfsm/survey"
	"hpfriends/server/certs"
)

// clusterAdmin is the node's part in v1.Cluster.
type clusterAdmin struct {
	*raftfsm.Members
	certs *certs.Store
	now   func() time.Time
}

// ClusterStatus implements v1.Cluster.
func (a clusterAdmin) ClusterStatus(ctx context.Context) (api.Cluster, error) {
	s, err := a.Status(ctx)
	if err != nil {
		return api.Cluster{}, err
	}
	out := api.Cluster{
		Cluster: s.Cluster, Node: s.Node, Leader: s.Leader, Term: s.Term, Members: []api.ClusterMember{},
		Warnings: append(slices.Clone(s.Warnings), a.certs.Warnings(time.Now())...),
	}
	if out.Warnings == nil {
		out.Warnings = []string{}
	}
	for _, m := range s.Members {
		one := api.ClusterMember{
			ID: m.ID, Address: m.Address, Role: m.Role, Version: m.Report.Version, Applied: m.Report.Applied, LagEntries: m.Lag,
			LagSeconds: m.Behind.Seconds(), LastContactMS: m.Report.LastContact.Milliseconds(), DiskFull: m.Report.Full,
			Drained: m.Report.Drained, Standing: api.Standing{
				DiskBytes: m.Report.Disk, Traffic: (*view.Traffic)(m.Report.Traffic),
				BackupKind: view.BackupKind(m.Report.BackupKind),
			},
		}
		if since := m.Report.Since; !since.IsZero() {
			one.Started = &since
		}
		if at := m.Report.Backup; !at.IsZero() {
			one.Backup = &at
		}
		if m.Err != nil {
			one.Error = m.Err.Error()
		} else {
			one.Level, one.Clients = m.Report.Knows(), &m.Report.Clients
		}
		out.Members = append(out.Members, one)
	}
	return out, nil
}

// JoinToken implements v1.Cluster.
func (a clusterAdmin) JoinToken(ctx context.Context, in api.NewJoinToken, by string) (api.JoinToken, error) {
	t, id, err := a.NewJoinToken(ctx, time.Duration(in.Seconds)*time.Second, in.Uses, by)
	if err != nil {
		return api.JoinToken{}, err
	}
	return api.JoinToken{ID: id, Token: t.Reveal(), Expires: t.Expires, Uses: in.Uses}, nil
}

// JoinTokens implements v1.Cluster.
func (a clusterAdmin) JoinTokens() ([]api.ListedJoinToken, error) {
	all, err := a.Members.JoinTokens()
	out := make([]api.ListedJoinToken, 0, len(all))
	at := func(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
	for _, t := range all {
		one := api.ListedJoinToken{
			ID: t.ID(), State: string(t.State(a.now())), Made: at(t.Made), By: t.By, Expires: at(t.Expires), Uses: t.Uses,
			Used: []api.JoinTokenUse{}, Remover: t.Remover,
		}
		if t.Removed != 0 {
			one.Removed = new(at(t.Removed))
		}
		for _, u := range t.Used {
			one.Used = append(one.Used, api.JoinTokenUse{Node: u.Node, Time: at(u.Time)})
		}
		out = append(out, one)
	}
	return out, err
}

// Operate implements v1.Cluster.
func (a clusterAdmin) Operate(ctx context.Context, verb, node string, force bool) error {
	switch verb {
	case "remove":
		return a.Remove(ctx, node, force)
	case "promote":
		return a.Promote(ctx, node, force)
	case "transfer":
		return a.TransferLeadership(ctx, node)
	case "leave":
		return a.Leave(ctx, force)
	case "drain", "undrain":
		return a.Drain(ctx, node, verb == "undrain", force)
	}
	return fmt.Errorf("there is no operation %q", verb)
}

// watchCluster adds the series of raft and of the cluster.
func watchCluster(r prometheus.Registerer, n *raftfsm.Node) {
	gauge := func(name, help string, f func(survey.Report) float64) {
		r.MustRegister(
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return f(n.Report()) }),
		)
	}
	gauge("hpfriends_raft_leader", "1 on the node that leads.", func(r survey.Report) float64 {
		return number(r.State == "Leader")
	})
	gauge("hpfriends_raft_term", "Raft's term.", func(r survey.Report) float64 { return float64(r.Term) })
	gauge(
		"hpfriends_raft_commit_index", "Newest entry that this node knows to be committed.",
		func(r survey.Report) float64 { return float64(r.Commit) },
	)
	gauge(
		"hpfriends_raft_last_index", "Newest entry in this node's log.",
		func(r survey.Report) float64 { return float64(r.Last) },
	)
	gauge(
		"hpfriends_raft_last_contact_seconds", "Since a follower heard its leader; 0 on the leader.",
		func(r survey.Report) float64 { return r.LastContact.Seconds() },
	)
	gauge(
		"hpfriends_drained", "1 on a node that sends its clients elsewhere.",
		func(r survey.Report) float64 { return number(r.Drained) },
	)
	gauge(
		"hpfriends_disk_full", "1 on a node that takes nothing because its disk is almost full.",
		func(r survey.Report) float64 { return number(r.Full) },
	)
	if n.Members().Advertised() != "" {
		watchStanding(r, n.Members())
	}
	r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "hpfriends_forwarded_proposals_total", Help: "Proposals that this node sent to a leader elsewhere.",
	}, func() float64 { return float64(n.Members().Forwarded()) }))
}

// watchStanding adds where a member stands among the others.
func watchStanding(r prometheus.Registerer, m *raftfsm.Members) {
	gauge := func(name, help string, f func(raftfsm.Standing) float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			s, ok := m.Standing()
			if !ok {
				return math.NaN()
			}
			return f(s)
		}))
	}
	gauge(
		"hpfriends_cluster_leader_known", "1 while this node knows who leads.",
		func(s raftfsm.Standing) float64 { return number(s.Leader != "") },
	)
	gauge(
		"hpfriends_cluster_lag_entries", "Entries that are committed and not applied on this node.",
		func(s raftfsm.Standing) float64 { return float64(s.Lag) },
	)
	gauge(
		"hpfriends_cluster_lag_seconds", "How much older the newest entry is that this node has applied.",
		func(s raftfsm.Standing) float64 { return s.Behind.Seconds() },
	)
	gauge(
		"hpfriends_cluster_quorum_spare", "Voters that may fail before publishing stops; below 0 it has stopped.",
		func(s raftfsm.Standing) float64 { return float64(s.Spare) },
	)
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
