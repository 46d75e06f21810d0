package raftfsm

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/raftfsm/apply"
	"hpfriends/raftfsm/survey"
)

const reportTimeout = 2 * time.Second

// Report is what this node says of itself.
func (n *Node) Report() survey.Report {
	last, _ := n.log.Last()
	r := survey.Report{
		Program: survey.Program{StateFormat: apply.StateFormat},
		State:   n.raft.State().String(), Term: n.raft.CurrentTerm(), Last: last,
		Commit: n.raft.CommitIndex(), Applied: n.log.Applied(), Checkpoints: n.checkpointer.recent(),
		Times: survey.Times{Now: n.clock.Wall().UTC()},
		Service: survey.Service{Full: n.Full() != nil, Notices: n.notices(), Disk: n.log.Disk().Bytes(),
			Removal: n.keeper.Removal()},
	}
	if e, err := n.log.Entry(r.Applied); err == nil {
		r.AppliedAt = e.Appended
	}
	if at := n.raft.LastContact(); !n.Leading() && !at.IsZero() {
		r.LastContact = time.Since(at)
	}
	if m := n.members; m != nil {
		r.Version, r.Reader, r.Leader = m.config.Version, m.config.Reader, m.lead.now().leader
		r.Since = m.config.Started
		if !m.config.older {
			r.Level = apply.Level
		}
		r.Applied, r.Serving = m.store.Reached(r.Commit), m.drain.board.Now()
		r.Drained, _ = m.drain.now()
		if starving := m.reconciler.starving.Load(); starving != nil {
			r.Starving = *starving
		}
	}
	return r
}

// ask gets a member's report.
func (m *Members) ask(ctx context.Context, id string) (survey.Report, error) {
	if id == m.node.id {
		return m.node.Report(), nil
	}
	ctx, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	var r survey.Report
	answer, err := m.net.Call(ctx, id, methodReport, nil)
	if err == nil {
		err = json.Unmarshal(answer, &r)
	}
	return r, err
}

// Status asks all members at the same time.
func (m *Members) Status(ctx context.Context) (survey.Status, error) {
	if m == nil {
		return survey.Status{}, errAlone()
	}
	if err := m.up(); err != nil {
		return survey.Status{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	s := survey.Status{Cluster: m.cluster, Node: m.node.id, Leader: m.lead.now().leader, Term: m.node.raft.CurrentTerm(),
		Members: m.survey(ctx)}
	s.Warnings = survey.Warnings(s)
	return s, nil
}

// survey asks all members of the newest configuration.
func (m *Members) survey(ctx context.Context) []survey.Member {
	servers := m.dir.servers()
	all := make([]survey.Member, len(servers))
	leader := m.lead.now().leader
	var asked sync.WaitGroup
	for i, s := range servers {
		all[i] = survey.Member{ID: string(s.ID), Address: string(s.Address), Role: survey.RoleVoter}
		if s.Suffrage != raft.Voter {
			all[i].Role = survey.RoleNonvoter
		} else if all[i].ID == leader {
			all[i].Role = survey.RoleLeader
		}
		asked.Go(func() { all[i].Report, all[i].Err = m.ask(ctx, all[i].ID) })
	}
	asked.Wait()
	var newest survey.Report
	for _, member := range all {
		if member.Report.Commit > newest.Commit {
			newest = member.Report
		}
	}
	for i := range all {
		r := all[i].Report
		if all[i].Err != nil || r.Applied >= newest.Commit {
			continue
		}
		all[i].Lag = newest.Commit - r.Applied
		if !r.AppliedAt.IsZero() {
			all[i].Behind = max(0, newest.AppliedAt.Sub(r.AppliedAt))
		}
	}
	return all
}

// readyLag is how many entries a follower may be behind and still serve.
const readyLag = 1024

// following is nil when this node hears its leader and has nearly what the leader committed.
func (m *Members) following(ctx context.Context) error {
	leader := m.lead.now().leader
	if leader == "" || leader == m.node.id {
		return fmt.Errorf("%w: node %s knows no leader: %d members are configured, a majority of the voters must run and "+
			"reach each other",
			ErrUnavailable, m.node.id, len(m.dir.IDs()))
	}
	r, err := m.ask(ctx, leader)
	if err != nil {
		return fmt.Errorf("%w: the leader %s does not answer: %w", ErrUnavailable, leader, err)
	}
	if applied := m.store.Reached(m.node.raft.CommitIndex()); applied+readyLag < r.Commit {
		return fmt.Errorf("%w: node %s is at entry %d, the leader %s at %d: it is catching up", ErrUnavailable, m.node.id,
			applied, leader, r.Commit)
	}
	return nil
}

// Standing is where a node stands, by its last look at the others, at most some seconds ago.
type Standing struct {
	Leader string // empty: none is known
	Lag    uint64 // entries committed and not applied here
	Behind time.Duration
	Spare  int // voters that may fail; below 0 there is no majority
}

// Standing asks nobody. It is not ok for a node that is alone, or has not looked yet.
func (m *Members) Standing() (s Standing, ok bool) {
	if m == nil {
		return s, false
	}
	seen := m.reconciler.surveyed.Load()
	if seen == nil {
		return s, false
	}
	s.Leader, s.Spare = m.lead.now().leader, survey.BalanceOf(*seen).Spare()
	for _, member := range *seen {
		if member.ID == m.node.id {
			s.Lag, s.Behind = member.Lag, member.Behind
		}
	}
	return s, true
}
