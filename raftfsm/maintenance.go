package raftfsm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/raftfsm/clock"
)

// storeEvery is after how many changes the graph is stored anew.
const storeEvery = 4096

// clockEvery is how often the trusted time is stored: within the slack, so that a quick restart raises no doubt.
const clockEvery = clock.Slack / 3

// maintain advances the high-water mark, ends what has expired, and stores the graph, until the node stops.
func (n *Node) maintain() {
	defer n.loops.Done()
	mark := time.NewTicker(time.Second)
	defer mark.Stop()
	trusted := time.NewTicker(clockEvery)
	defer trusted.Stop()
	accepted := n.Graph().Retention().Accepted.Index
	expiry := time.NewTimer(0)
	defer expiry.Stop()
	for {
		version := n.Version()
		accepted = n.acceptClock(accepted)
		select {
		case <-n.stop:
			return
		case <-mark.C:
			if err := n.mark.Raise(); err != nil {
				n.fail(err)
			}
			n.storeGraphWhenDue()
			n.lookAtClock()
		case <-trusted.C:
			n.storeClock()
		case <-expiry.C:
			n.expire()
		case <-version.Changed():
		}
		expiry.Reset(untilExpiry(n.Graph(), n.clock))
	}
}

// lookAtClock has the clock take note of a step.
func (n *Node) lookAtClock() {
	if !n.clock.Look() {
		return
	}
	if d, ok := n.clock.Doubt(); ok {
		n.slog.Warn("the clock is not where it was expected: nothing expires or goes by its age until it is believed",
			"clock", d.Wall, "expected", d.Expected, "believed in", d.Left.Round(time.Second), "if it is right", acceptCommand)
	} else {
		n.slog.Info("the clock is believed", "clock", n.clock.Now().UTC())
	}
}

// acceptClock takes the clock for right if somebody has just vouched for what it says: after the change at index. It
// returns the index of the newest such change.
func (n *Node) acceptClock(index uint64) uint64 {
	newest := n.Graph().Retention()
	if newest.Accepted.Index > index {
		n.clock.Accept(newest.Clock)
	}
	return newest.Accepted.Index
}

// storeClock keeps the time that was trusted last for the next start.
func (n *Node) storeClock() {
	if t, ok := n.clock.Trusted(); ok {
		if err := n.stable.SetClock(t); err != nil {
			n.slog.Warn("the time could not be stored", "err", err)
		}
	}
}

func (n *Node) storeGraphWhenDue() {
	if n.Version().Graph.Index()-n.saved < storeEvery {
		return
	}
	if err := n.storeGraph(); err != nil {
		n.fail(err)
	}
}

// storeGraph stores the newest graph whose change is recorded, with the mark of its audit event.
func (n *Node) storeGraph() error {
	g := n.Graph()
	if g.Index() == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	// The version is published just before the entry that made it is recorded as applied.
	if _, err := n.log.Wait(ctx, g.Index()-1); err != nil {
		return err
	}
	event, err := n.log.Audit().Event(g.Index())
	if err != nil {
		return fmt.Errorf("raftfsm: audit event of the newest change %d: %w", g.Index(), err)
	}
	data, err := g.MarshalBinary()
	if err != nil {
		return fmt.Errorf("raftfsm: encode graph: %w", err)
	}
	if err := n.log.StoredGraphs().Store(event.AuditMark, data, eventlog.StoredEvery); err != nil {
		return err
	}
	n.saved = g.Index()
	return nil
}

// untilExpiry is how long until something expires: at most a minute, so that a stepped clock does no harm.
func untilExpiry(g *graph.Graph, c *clock.Clock) time.Duration {
	next, ok := g.NextExpiry()
	now, trusted := c.Trusted()
	if !ok || !trusted {
		return time.Minute
	}
	return min(max(next.Sub(now), 50*time.Millisecond), time.Minute)
}

// expire proposes Expire when something is due: once, by the leader, and by a time that is trusted, since an expired
// token does not come back.
func (n *Node) expire() {
	next, ok := n.Graph().NextExpiry()
	now, trusted := n.clock.Trusted()
	if !ok || !trusted || !n.Leading() || next.After(now) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err := n.Change(ctx, graph.Command{
		By: graph.Actor{Operator: true, From: "system"}, Time: now.UTC(), Op: graph.Expire{},
	})
	if err != nil && !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrClosed) {
		n.slog.Warn("expiry was not recorded", "err", err)
	}
}
