package raftfsm

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/raft"

	"hpfriends/graph"
	"hpfriends/raftfsm/survey"
)

// coordinator makes the changes of the cluster that only its leader can make.
type coordinator struct{ m *Members }

// execute does an operation on the leader.
func (c coordinator) execute(ctx context.Context, o operation) error {
	switch o.Verb {
	case "remove":
		return c.remove(ctx, o)
	case "promote":
		return c.promote(ctx, o)
	case "transfer":
		return c.transfer(ctx, o.Node)
	case "address":
		return c.move(ctx, o.Node, o.Addr)
	}
	return fmt.Errorf("%w: the leader runs an older program, which does not know how to %q", ErrUnavailable, o.Verb)
}

// mayRemove refuses a removal that would harm.
func (c coordinator) mayRemove(ctx context.Context, id string, force bool) error {
	if _, ok := c.m.dir.server(id); !ok {
		return noMember(id)
	}
	if force {
		return nil
	}
	all := c.m.survey(ctx)
	before := survey.BalanceOf(all)
	after := before
	for _, member := range all {
		if member.ID == id {
			after = after.With(member, -1)
		}
	}
	return survey.Harm(before, after, "removing node "+id, "join its replacement first, or use --force")
}

func (c coordinator) remove(ctx context.Context, o operation) error {
	if err := c.mayRemove(ctx, o.Node, o.Force); err != nil {
		return err
	}
	if o.Node == c.m.node.id {
		return &graph.Error{Code: graph.Conflict, Msg: "node " + o.Node + " leads the cluster",
			Hint: "first: hpfriends cluster transfer-leader"}
	}
	return c.m.node.await(ctx, c.m.node.raft.RemoveServer(raft.ServerID(o.Node), 0, enqueueTimeout).Error)
}

func (c coordinator) promote(ctx context.Context, o operation) error {
	s, ok := c.m.dir.server(o.Node)
	if !ok {
		return noMember(o.Node)
	}
	if s.Suffrage == raft.Voter {
		return nil
	}
	for _, member := range c.m.survey(ctx) {
		if member.ID != o.Node || o.Force {
			continue
		}
		if !c.m.fit(member) {
			return &graph.Error{
				Code: graph.Conflict, Hint: "wait until it has caught up, or use --force",
				Msg: fmt.Sprintf("node %s is %d entries behind, has no room, or does not answer: as a voter it would hold up the "+
					"others", o.Node, member.Lag),
			}
		}
	}
	return c.m.node.await(ctx, c.m.node.raft.AddVoter(s.ID, s.Address, 0, enqueueTimeout).Error)
}

// move sets the address of a member.
func (c coordinator) move(ctx context.Context, id, addr string) error {
	s, ok := c.m.dir.server(id)
	if !ok {
		return noMember(id)
	}
	if string(s.Address) == addr {
		return nil
	}
	c.m.node.slog.Info("a member has another address now", "node", id, "from", string(s.Address), "to", addr)
	if s.Suffrage == raft.Voter {
		return c.m.node.await(ctx, c.m.node.raft.AddVoter(s.ID, raft.ServerAddress(addr), 0, enqueueTimeout).Error)
	}
	return c.m.node.await(ctx, c.m.node.raft.AddNonvoter(s.ID, raft.ServerAddress(addr), 0, enqueueTimeout).Error)
}

// transfer hands leadership to a voter that answers, has room on its disk, is not drained and has caught up.
func (c coordinator) transfer(ctx context.Context, to string) error {
	if to == c.m.node.id {
		return nil
	}
	s, known := c.m.dir.server(to)
	if to != "" && !known {
		return noMember(to)
	}
	if known && s.Suffrage != raft.Voter {
		return &graph.Error{Code: graph.Conflict, Msg: "node " + to + " has no vote", Hint: "promote it first"}
	}
	successor, ok := survey.Successor(c.m.survey(ctx),
		func(member survey.Member) bool { return member.ID != c.m.node.id && (to == "" || member.ID == to) })
	if !ok && to != "" {
		return &graph.Error{Code: graph.Conflict, Msg: "node " + to + " does not answer, is drained or has no room on its " +
			"disk", Hint: "see: hpfriends cluster status"}
	}
	if !ok {
		return &graph.Error{Code: graph.Conflict, Msg: "no other voter answers, has room on its disk and is not drained",
			Hint: "see: hpfriends cluster status"}
	}
	return c.handTo(ctx, successor.ID, successor.Address)
}

// handTo hands leadership to a voter.
func (c coordinator) handTo(ctx context.Context, id, addr string) error {
	n := c.m.node
	err := n.wait(ctx, n.raft.LeadershipTransferToServer(raft.ServerID(id), raft.ServerAddress(addr)).Error)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	return fmt.Errorf("%w: leadership was not handed over: %w", ErrUnavailable, err)
}

func noMember(id string) error {
	return &graph.Error{Code: graph.NotFound, Msg: fmt.Sprintf("there is no member %.80q", id),
		Hint: "see: hpfriends cluster status"}
}
