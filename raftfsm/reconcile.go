package raftfsm

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/raftfsm/apply"
	"hpfriends/raftfsm/level"
	"hpfriends/raftfsm/survey"
)

const (
	reconcileEvery = time.Second
	// promoteLag is how many entries a member may be behind to get a vote, and promoteRounds how often in a row.
	promoteLag    = 256
	promoteRounds = 3
)

// reconciler brings the cluster into shape round by round: connections of removed members end, this node's address is
// right, and on the leader, a member that has caught up gets a vote and one that starves gets another leader.
type reconciler struct {
	m          *Members
	candidates candidates // these three: of the goroutine of run
	starvation survey.Starvation
	clockWrong bool
	surveyed   atomic.Pointer[[]survey.Member] // at the last round
	starving   atomic.Pointer[[]string]        // members, as this node sees them while it leads
	levels     *level.Levels
}

// run ends with the node.
func (r *reconciler) run() {
	n := r.m.node
	tick := time.NewTicker(reconcileEvery)
	defer tick.Stop()
	var checked *apply.Configuration
	for {
		select {
		case <-tick.C:
		case <-n.stop:
			return
		}
		if now := n.fsm.Configuration(); now != checked {
			checked = now
			r.m.net.Recheck()
			if now.Removed(n.id) {
				r.m.removal.now(errRemoved)
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), 3*reportTimeout)
		r.round(ctx)
		cancel()
	}
}

// round is one round. What fails is tried in the next.
func (r *reconciler) round(ctx context.Context) {
	m := r.m
	own, member := m.dir.server(m.node.id)
	if member && string(own.Address) != m.config.Advertise {
		m.try("tell the address", m.operate(ctx, operation{Verb: "address", Node: m.node.id, Addr: m.config.Advertise}))
	}
	// Followers ask too: this keeps connections between all members, by which a second process with one's node id is
	// refused.
	all := m.survey(ctx)
	r.surveyed.Store(&all)
	r.hear(all)
	r.checkClock(all)
	if !m.node.Leading() {
		r.candidates, r.starvation = candidates{}, survey.Starvation{}
		r.starving.Store(nil)
		m.try("learn the newest configuration", m.learn(ctx))
		return
	}
	if m.node.Full() != nil {
		m.try("hand over, since the disk is almost full", coordinator{m}.transfer(ctx, ""))
		return
	}
	if on, _ := m.drain.now(); on {
		m.try("hand over, since this node is drained", coordinator{m}.transfer(ctx, ""))
	}
	r.relieve(ctx, all)
	r.promote(ctx, all)
}

// hear takes note of what the members know.
func (r *reconciler) hear(all []survey.Member) {
	if err := r.levels.Hear(all); err != nil {
		r.m.node.fail(err)
	}
}

// checkClock compares this node's clock with the others', and says once that it is wrong.
func (r *reconciler) checkClock(all []survey.Member) {
	n := r.m.node
	wrong := n.clock.Compare(n.id, all)
	if wrong && !r.clockWrong {
		n.slog.Warn("this node's clock is far from the other members': what it stamps is bounded by theirs; set the clock",
			"clock", n.clock.Wall().UTC(), "bounded", n.clock.Now().UTC())
	}
	r.clockWrong = wrong
}

// relieve gives starving members another leader, one that replicates to them from new goroutines.
func (r *reconciler) relieve(ctx context.Context, all []survey.Member) {
	m := r.m
	starving := r.starvation.Observe(m.node.id, all)
	if before := r.starving.Swap(&starving); len(starving) == 0 {
		return
	} else if before == nil || !slices.Equal(*before, starving) {
		m.node.slog.Warn("members hear this leader and get no entries from it", "nodes", starving)
	}
	if r.starvation.Led < survey.MinTenure {
		return
	}
	successor, ok := survey.Successor(all, func(member survey.Member) bool {
		return member.ID != m.node.id && !slices.Contains(starving, member.ID)
	})
	if !ok {
		return
	}
	err := coordinator{m}.handTo(ctx, successor.ID, successor.Address)
	m.node.slog.Warn("leadership handed over, so that another node replicates to them", "to", successor.ID, "err", err)
	r.starvation.Led = 0
}

// candidates are the members without a vote that are close to the leader: for how many rounds, by id.
type candidates struct{ rounds map[string]int }

// fit reports whether a member has what a voter needs: nearly all entries, and not just because there are few, and room
// for more.
func (m *Members) fit(member survey.Member) bool {
	r := member.Report
	return member.Err == nil && member.Lag <= promoteLag && r.Last > 0 && r.Applied+1 >= m.node.log.Floor() && !r.Full
}

// promote gives the vote to one member that has been close for a while, when all voters answer: while one is missing, a
// further voter may be the one too many.
func (r *reconciler) promote(ctx context.Context, all []survey.Member) {
	m := r.m
	waiting := slices.ContainsFunc(m.dir.servers(), func(s raft.Server) bool { return s.Suffrage != raft.Voter })
	if !waiting {
		r.candidates.rounds = nil
		return
	}
	next := make(map[string]int)
	for _, member := range all {
		if member.Role == survey.RoleNonvoter && !member.Report.Reader && m.fit(member) {
			next[member.ID] = r.candidates.rounds[member.ID] + 1
		}
	}
	r.candidates.rounds = next
	if b := survey.BalanceOf(all); b.Alive < b.Voters {
		return
	}
	i := slices.IndexFunc(all, func(member survey.Member) bool { return next[member.ID] >= promoteRounds })
	if i < 0 {
		return
	}
	member, n := all[i], m.node
	index := m.dir.Index() // when the configuration has changed since, the promotion fails
	future := n.raft.AddVoter(raft.ServerID(member.ID), raft.ServerAddress(member.Address), index, enqueueTimeout)
	err := n.await(ctx, future.Error)
	if err == nil {
		n.slog.Info("a member has caught up and votes now", "node", member.ID, "lag", member.Lag)
	}
	m.try("give node "+member.ID+" a vote", err)
}

// try logs what will be tried again.
func (m *Members) try(what string, err error) {
	if err != nil && !errors.Is(err, ErrClosed) {
		m.node.slog.Debug("tried to "+what, "err", err)
	}
}
