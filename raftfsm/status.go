package raftfsm

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/raftfsm/apply"
)

// Report is what a member says of itself.
type Report struct {
	Version     string        `json:"version"`
	StateFormat int           `json:"stateFormat"`
	State       string        `json:"state"`  // Leader, Follower, Candidate, Shutdown
	Leader      string        `json:"leader"` // as this member knows it
	Term        uint64        `json:"term"`
	Last        uint64        `json:"last"` // newest entry in its log
	Commit      uint64        `json:"commit"`
	Applied     uint64        `json:"applied"`
	AppliedAt   time.Time     `json:"appliedAt"` // when the leader took the newest applied entry, by the leader's clock
	LastContact time.Duration `json:"lastContact"`
	Reader      bool          `json:"reader"`                // stays without a vote
	Checkpoints []Checkpoint  `json:"checkpoints,omitempty"` // what it found at the newest, newest last
	Starving    []string      `json:"starving,omitempty"`    // members that hear this leader and get no entries from it
	Service
}

// Service is what a member does for clients.
type Service struct {
	Full    bool `json:"full"`    // its disk is almost full: it takes nothing
	Drained bool `json:"drained"` // it sends clients elsewhere
	Clients int  `json:"clients"` // connected to it
}

// Roles of a member.
const (
	RoleLeader   = "leader"
	RoleVoter    = "voter"
	RoleNonvoter = "nonvoter"
)

// Member is one node of the cluster, as another sees it.
type Member struct {
	ID, Address, Role string
	Err               error  // why it did not answer; the Report is empty then
	Report            Report // by itself
	Lag               uint64 // entries committed and not applied there
	Behind            time.Duration
}

// Status is the cluster as one node sees it.
type Status struct {
	Cluster, Node, Leader string
	Term                  uint64
	Members               []Member // in the order of the configuration
	Warnings              []string
}

const reportTimeout = 2 * time.Second

// Report is what this node says of itself.
func (n *Node) Report() Report {
	last, _ := n.log.Last()
	r := Report{
		StateFormat: apply.StateFormat, State: n.raft.State().String(), Term: n.raft.CurrentTerm(), Last: last,
		Commit: n.raft.CommitIndex(), Applied: n.log.Applied(), Checkpoints: n.checkpointer.recent(),
		Service: Service{Full: n.Full() != nil},
	}
	if e, err := n.log.Entry(r.Applied); err == nil {
		r.AppliedAt = e.Appended
	}
	if at := n.raft.LastContact(); !n.Leading() && !at.IsZero() {
		r.LastContact = time.Since(at)
	}
	if m := n.members; m != nil {
		r.Version, r.Reader, r.Leader = m.config.Version, m.config.Reader, m.lead.now().leader
		r.Applied, r.Clients = m.store.Reached(r.Commit), m.drain.connected()
		r.Drained, _ = m.drain.now()
		if starving := m.reconciler.starving.Load(); starving != nil {
			r.Starving = *starving
		}
	}
	return r
}

// ask gets a member's report.
func (m *Members) ask(ctx context.Context, id string) (Report, error) {
	if id == m.node.id {
		return m.node.Report(), nil
	}
	ctx, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	var r Report
	answer, err := m.net.Call(ctx, id, methodReport, nil)
	if err == nil {
		err = json.Unmarshal(answer, &r)
	}
	return r, err
}

// Status asks all members at the same time.
func (m *Members) Status(ctx context.Context) (Status, error) {
	if m == nil {
		return Status{}, errAlone()
	}
	if err := m.up(); err != nil {
		return Status{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	s := Status{Cluster: m.cluster, Node: m.node.id, Leader: m.lead.now().leader, Term: m.node.raft.CurrentTerm(),
		Members: m.survey(ctx)}
	s.Warnings = warnings(s)
	return s, nil
}

// survey asks all members of the newest configuration.
func (m *Members) survey(ctx context.Context) []Member {
	servers := m.dir.servers()
	all := make([]Member, len(servers))
	leader := m.lead.now().leader
	var asked sync.WaitGroup
	for i, s := range servers {
		all[i] = Member{ID: string(s.ID), Address: string(s.Address), Role: RoleVoter}
		if s.Suffrage != raft.Voter {
			all[i].Role = RoleNonvoter
		} else if all[i].ID == leader {
			all[i].Role = RoleLeader
		}
		asked.Go(func() { all[i].Report, all[i].Err = m.ask(ctx, all[i].ID) })
	}
	asked.Wait()
	var newest Report
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

// warnings are what an operator should know before the next failure.
func warnings(s Status) (all []string) {
	if s.Leader == "" {
		all = append(all, "there is no leader: publishers wait until a majority of the voters can reach each other")
	}
	b := balanceOf(s.Members)
	switch {
	case b.spare() < 0:
		all = append(all, fmt.Sprintf("%d of %d voters answer, %d are needed: nothing can be published or changed; start "+
			"the missing ones", b.alive, b.voters, b.quorum()))
	case b.spare() == 0 && b.voters == 1:
		all = append(all, "there is one voter: its loss loses data; add two nodes")
	case b.spare() == 0:
		all = append(all, fmt.Sprintf("%d of %d voters answer, %d are needed: one more failure stops publishing", b.alive,
			b.voters, b.quorum()))
	case b.voters%2 == 0:
		all = append(all, fmt.Sprintf("%d voters outlive as many failures as %d: add one", b.voters, b.voters-1))
	}
	for _, member := range s.Members {
		if member.Report.Full {
			all = append(all, fmt.Sprintf("the disk of node %s is almost full: free some space there", member.ID))
		}
		for _, id := range member.Report.Starving {
			all = append(all, fmt.Sprintf("node %s hears its leader %s and gets no entries from it: leadership will be handed "+
				"over; see the log of %s", id, member.ID, member.ID))
		}
		if member.Report.Drained {
			all = append(all, fmt.Sprintf("node %s is drained and takes no clients, until: hpfriends cluster undrain %s",
				member.ID, member.ID))
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
	s.Leader, s.Spare = m.lead.now().leader, balanceOf(*seen).spare()
	for _, member := range *seen {
		if member.ID == m.node.id {
			s.Lag, s.Behind = member.Lag, member.Behind
		}
	}
	return s, true
}
