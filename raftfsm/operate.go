package raftfsm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/graph"
)

// Remove takes a member out of the cluster; its node id is never used again. What would harm the cluster is refused with
// a *graph.Error unless forced.
func (m *Members) Remove(ctx context.Context, id string, force bool) error {
	return m.operate(ctx, operation{Verb: "remove", Node: id, Force: force})
}

// Promote gives a member a vote. The cluster does it by itself for members that have caught up and are no readers.
func (m *Members) Promote(ctx context.Context, id string, force bool) error {
	return m.operate(ctx, operation{Verb: "promote", Node: id, Force: force})
}

// TransferLeadership makes another voter the leader; an empty id is the one that has caught up best.
func (m *Members) TransferLeadership(ctx context.Context, to string) error {
	return m.operate(ctx, operation{Verb: "transfer", Node: to})
}

// Leave takes this node out of the cluster, handing leadership over first. Removed is closed when it is done.
func (m *Members) Leave(ctx context.Context, force bool) error {
	if m == nil {
		return errAlone()
	}
	if m.node.Leading() {
		if err := m.mayRemove(ctx, m.node.id, force); err != nil {
			return err
		}
		reign := m.lead.now()
		if err := m.TransferLeadership(ctx, ""); err != nil {
			return err
		}
		select {
		case <-reign.over.Done():
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		}
		for m.lead.now().leader == "" {
			select {
			case <-time.After(proposeAgain):
			case <-ctx.Done():
				return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
			}
		}
	}
	return m.Remove(ctx, m.node.id, force)
}

// execute does an operation on the leader.
func (m *Members) execute(ctx context.Context, o operation) error {
	switch o.Verb {
	case "remove":
		return m.remove(ctx, o)
	case "promote":
		return m.promoteNow(ctx, o)
	case "transfer":
		return m.transfer(ctx, o.Node)
	case "address":
		return m.move(ctx, o.Node, o.Addr)
	}
	return fmt.Errorf("%w: the leader runs an older program, which does not know how to %q", ErrUnavailable, o.Verb)
}

func noMember(id string) error {
	return &graph.Error{Code: graph.NotFound, Msg: fmt.Sprintf("there is no member %.80q", id), Hint: "see: hpfriends cluster status"}
}

// mayRemove refuses a removal that would harm.
func (m *Members) mayRemove(ctx context.Context, id string, force bool) error {
	if _, ok := m.server(id); !ok {
		return noMember(id)
	}
	if force {
		return nil
	}
	all := m.survey(ctx)
	before := balanceOf(all)
	after := before
	for _, member := range all {
		if member.ID == id {
			after = after.with(member, -1)
		}
	}
	return harm(before, after, "removing node "+id, "join its replacement first, or use --force")
}

func (m *Members) remove(ctx context.Context, o operation) error {
	if err := m.mayRemove(ctx, o.Node, o.Force); err != nil {
		return err
	}
	if o.Node == m.node.id {
		return &graph.Error{Code: graph.Conflict, Msg: "node " + o.Node + " leads the cluster", Hint: "first: hpfriends cluster transfer-leader"}
	}
	return m.change(ctx, m.node.raft.RemoveServer(raft.ServerID(o.Node), 0, enqueueTimeout))
}

func (m *Members) promoteNow(ctx context.Context, o operation) error {
	s, ok := m.server(o.Node)
	if !ok {
		return noMember(o.Node)
	}
	if s.Suffrage == raft.Voter {
		return nil
	}
	for _, member := range m.survey(ctx) {
		if member.ID != o.Node || o.Force {
			continue
		}
		if !m.fit(member) {
			return &graph.Error{
				Code: graph.Conflict, Hint: "wait until it has caught up, or use --force",
				Msg: fmt.Sprintf("node %s is %d entries behind, has no room, or does not answer: as a voter it would hold up the others", o.Node, member.Lag),
			}
		}
	}
	return m.change(ctx, m.node.raft.AddVoter(s.ID, s.Address, 0, enqueueTimeout))
}

// move sets the address of a member.
func (m *Members) move(ctx context.Context, id, addr string) error {
	s, ok := m.server(id)
	if !ok {
		return noMember(id)
	}
	if string(s.Address) == addr {
		return nil
	}
	m.node.slog.Info("a member has another address now", "node", id, "from", string(s.Address), "to", addr)
	if s.Suffrage == raft.Voter {
		return m.change(ctx, m.node.raft.AddVoter(s.ID, raft.ServerAddress(addr), 0, enqueueTimeout))
	}
	return m.change(ctx, m.node.raft.AddNonvoter(s.ID, raft.ServerAddress(addr), 0, enqueueTimeout))
}

// transfer hands leadership to a voter that answers, has room on its disk, is not drained and has caught up.
func (m *Members) transfer(ctx context.Context, to string) error {
	if to == m.node.id {
		return nil
	}
	s, known := m.server(to)
	if to != "" && !known {
		return noMember(to)
	}
	if known && s.Suffrage != raft.Voter {
		return &graph.Error{Code: graph.Conflict, Msg: "node " + to + " has no vote", Hint: "promote it first"}
	}
	heir, ok := heirOf(m.survey(ctx), func(member Member) bool { return member.ID != m.node.id && (to == "" || member.ID == to) })
	if !ok && to != "" {
		return &graph.Error{Code: graph.Conflict, Msg: "node " + to + " does not answer, is drained or has no room on its disk", Hint: "see: hpfriends cluster status"}
	}
	if !ok {
		return &graph.Error{Code: graph.Conflict, Msg: "no other voter answers, has room on its disk and is not drained", Hint: "see: hpfriends cluster status"}
	}
	return m.handTo(ctx, heir.ID, heir.Address)
}

// heirOf is who is best to lead: of the voters among some that answer, have room and are not drained, the one that is least behind.
func heirOf(all []Member, among func(Member) bool) (best Member, ok bool) {
	for _, member := range all {
		fit := member.Err == nil && !member.Report.Full && !member.Report.Drained && member.Role == RoleVoter && among(member)
		if fit && (!ok || member.Lag < best.Lag) {
			best, ok = member, true
		}
	}
	return best, ok
}

func (m *Members) handTo(ctx context.Context, id, addr string) error {
	f := m.node.raft.LeadershipTransferToServer(raft.ServerID(id), raft.ServerAddress(addr))
	done := make(chan error, 1)
	go func() { done <- f.Error() }()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("%w: leadership was not handed over: %w", ErrUnavailable, err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, ctx.Err())
	}
}

// handOverTimeout bounds the farewell of a leader: without it, the others wait for their election timeout.
const handOverTimeout = 3 * time.Second

// handOver gives leadership away before this node stops.
func (m *Members) handOver() {
	if m == nil || !m.node.Leading() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), handOverTimeout)
	defer cancel()
	others := 0
	for _, s := range m.servers() {
		if s.Suffrage == raft.Voter && string(s.ID) != m.node.id {
			others++
		}
	}
	if others == 0 {
		return
	}
	if err := m.transfer(ctx, ""); err != nil {
		m.node.slog.Warn("leadership was not handed over: the others will elect", "err", err)
	}
}

// warnOfStopping says what the stop of this node does to a cluster of several voters.
func (m *Members) warnOfStopping() {
	if m == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	all := m.survey(ctx)
	err := harmOfStopping(all, m.node.id, "stopping node "+m.node.id)
	if harm, ok := errors.AsType[*graph.Error](err); ok && balanceOf(all).voters > 1 {
		m.node.slog.Warn("quorum: "+harm.Msg, "until", "it, or another voter, is started")
	}
}
