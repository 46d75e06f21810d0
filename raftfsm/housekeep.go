package raftfsm

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/raftfsm/apply"
)

const (
	housekeepEvery = time.Second
	// promoteLag is how many entries a member may be behind to get a vote, and promoteRounds how often in a row.
	promoteLag    = 256
	promoteRounds = 3
)

// housekeep keeps the cluster in shape until the node stops: connections of removed members end, this node's address is
// right, and on the leader, who has caught up gets a vote and who starves gets another leader.
func (m *Members) housekeep() {
	tick := time.NewTicker(housekeepEvery)
	defer tick.Stop()
	var checked *apply.Configuration
	var k keeper
	for {
		select {
		case <-tick.C:
		case <-m.node.stop:
			return
		}
		if now := m.node.fsm.Configuration(); now != checked {
			checked = now
			m.net.Recheck()
			if now.Removed(m.node.id) {
				m.expelled.now(errRemoved)
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), 3*reportTimeout)
		m.settle(ctx, &k)
		cancel()
	}
}

// keeper is what housekeeping remembers from round to round.
type keeper struct {
	candidates candidates
	hunger     hunger
}

// settle is one round of housekeep. What fails is tried in the next.
func (m *Members) settle(ctx context.Context, k *keeper) {
	own, member := m.server(m.node.id)
	if member && string(own.Address) != m.config.Advertise {
		m.try("tell the address", m.operate(ctx, operation{Verb: "address", Node: m.node.id, Addr: m.config.Advertise}))
	}
	// Followers ask too: the connections that this keeps between all members are what a second process with one's node id is
	// refused by.
	all := m.survey(ctx)
	m.lead.surveyed.Store(&all)
	if !m.node.Leading() {
		*k = keeper{}
		m.lead.starving.Store(nil)
		m.try("learn the newest configuration", m.inquire(ctx))
		return
	}
	if m.node.Full() != nil {
		m.try("hand over, since the disk is almost full", m.transfer(ctx, ""))
		return
	}
	if on, _ := m.drain.now(); on {
		m.try("hand over, since this node is drained", m.transfer(ctx, ""))
	}
	m.feed(ctx, &k.hunger, all)
	m.promote(ctx, &k.candidates, all)
}

// feed gives starving members another leader, one that replicates to them from new goroutines.
func (m *Members) feed(ctx context.Context, h *hunger, all []Member) {
	starving := h.look(m.node.id, all)
	if before := m.lead.starving.Swap(&starving); len(starving) == 0 {
		return
	} else if before == nil || !slices.Equal(*before, starving) {
		m.node.slog.Warn("members hear this leader and get no entries from it", "nodes", starving)
	}
	if h.led < reignBefore {
		return
	}
	heir, ok := heirOf(all, func(member Member) bool { return member.ID != m.node.id && !slices.Contains(starving, member.ID) })
	if !ok {
		return
	}
	err := m.handTo(ctx, heir.ID, heir.Address)
	m.node.slog.Warn("leadership handed over, so that another feeds them", "to", heir.ID, "err", err)
	h.led = 0
}

func (m *Members) try(what string, err error) {
	if err != nil && !errors.Is(err, ErrClosed) {
		m.node.slog.Debug("tried to "+what, "err", err)
	}
}

// candidates are the members without a vote that are close to the leader: for how many rounds, by id.
type candidates struct{ rounds map[string]int }

// fit is whether a member has what a voter needs: nearly all entries, and not just because there are few, and room for more.
func (m *Members) fit(member Member) bool {
	r := member.Report
	return member.Err == nil && member.Lag <= promoteLag && r.Last > 0 && r.Applied+1 >= m.node.log.Floor() && !r.Full
}

// promote gives the vote to one member that has been close for a while, when all voters answer: while one is missing, a
// further voter may be the one too many.
func (m *Members) promote(ctx context.Context, c *candidates, all []Member) {
	waiting := false
	for _, s := range m.servers() {
		waiting = waiting || s.Suffrage != raft.Voter
	}
	if !waiting {
		c.rounds = nil
		return
	}
	next := make(map[string]int)
	b := balanceOf(all)
	for _, member := range all {
		if member.Role == RoleNonvoter && !member.Report.Reader && m.fit(member) {
			next[member.ID] = c.rounds[member.ID] + 1
		}
	}
	c.rounds = next
	if b.alive < b.voters {
		return
	}
	for _, member := range all {
		if next[member.ID] < promoteRounds {
			continue
		}
		index := m.Index() // when the configuration has changed since, the promotion fails
		err := m.change(ctx, m.node.raft.AddVoter(raft.ServerID(member.ID), raft.ServerAddress(member.Address), index, enqueueTimeout))
		if err == nil {
			m.node.slog.Info("a member has caught up and votes now", "node", member.ID, "lag", member.Lag)
		}
		m.try("give node "+member.ID+" a vote", err)
		return
	}
}
