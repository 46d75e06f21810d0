package raftfsm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hpfriends/graph"
	"hpfriends/raftfsm/survey"
)

// Remove takes a member out of the cluster; its node id is never used again. What would harm the cluster is refused
// with a *graph.Error unless forced.
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
		if err := (coordinator{m}).mayRemove(ctx, m.node.id, force); err != nil {
			return err
		}
		tenure := m.lead.now()
		if err := m.TransferLeadership(ctx, ""); err != nil {
			return err
		}
		select {
		case <-tenure.over.Done():
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

// handOverTimeout bounds how long a leader hands over: without it, the others wait for their election timeout.
const handOverTimeout = 3 * time.Second

// handOver gives leadership away before this node stops.
func (m *Members) handOver() {
	if m == nil || !m.node.Leading() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), handOverTimeout)
	defer cancel()
	if m.dir.otherVoters() == 0 {
		return
	}
	if err := (coordinator{m}).transfer(ctx, ""); err != nil {
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
	err := survey.HarmOfStopping(all, m.node.id, "stopping node "+m.node.id)
	if harm, ok := errors.AsType[*graph.Error](err); ok && survey.BalanceOf(all).Voters > 1 {
		m.node.slog.Warn("quorum: "+harm.Msg, "until", "it, or another voter, is started")
	}
}
