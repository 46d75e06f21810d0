package raftfsm

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/raftfsm/retention"
)

// retain raises the floor while this node leads, and gives the space below it back wherever it moved, until Close.
func (n *Node) retain() {
	defer n.loops.Done()
	r := retainer{node: n}
	tick := time.NewTicker(retention.Every)
	defer tick.Stop()
	for {
		if err := r.look(); err != nil && !errors.Is(err, eventlog.ErrClosed) {
			n.slog.Error("retention: old messages could not be removed", "err", err)
		}
		select {
		case <-n.stop:
			return
		case <-tick.C:
		}
	}
}

// everything selects the batches of all channels.
var everything = eventlog.Select("*")

// retainer is the state of retain.
type retainer struct {
	node      *Node
	reclaimed uint64             // floor up to which space was given back
	told      *retention.Waiting // what waits was said to be
}

func (r *retainer) look() error {
	if err := r.raise(); err != nil {
		return err
	}
	floor := r.node.log.Floor()
	if floor == r.reclaimed {
		return nil
	}
	if err := r.node.log.Retention().Reclaim(); err != nil {
		return err
	}
	r.reclaimed = floor
	return nil
}

// raise proposes a higher floor if that is worth an entry.
func (r *retainer) raise() error {
	n := r.node
	if n.raft.State() != raft.Leader {
		n.keeper.Forget()
		return nil
	}
	now, trusted := n.clock.Trusted()
	e, failed := n.keeper.Floor(retention.Moment{Time: now, Trusted: trusted, Retention: n.Graph().Retention()})
	r.tell()
	if e == nil {
		return failed
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if _, err := n.propose(ctx, e.Encode()); err != nil {
		if errors.Is(err, ErrUnavailable) || errors.Is(err, ErrUnknownOutcome) {
			return failed // looked at again soon
		}
		return errors.Join(failed, err)
	}
	n.keeper.Passed(e)
	n.slog.Info("retention: old messages are no longer kept", "floor", eventlog.Position{Index: e.Floor}.String(),
		"by", e.Reason.String())
	return failed
}

// tell says, once, that more than usual is to go: in the log, and to admins in Logs.
func (r *retainer) tell() {
	w := r.node.keeper.Waiting()
	if w == nil || r.told != nil && w.Oldest.Equal(r.told.Oldest) {
		r.told = w
		return
	}
	r.told = w
	r.node.slog.Warn("retention: much more than usual is too old", "from", w.Oldest, "to", w.Until,
		"removed in", w.Left().Round(time.Second), "hold", holdCommand, "go on", acceptCommand)
	r.node.row("Retention is about to remove more than usual: see hpfriends retention status.")
}

// row adds a row for admins to Logs.
func (n *Node) row(message string) {
	now := n.clock.Now().UTC()
	report := entry.Report{Node: n.id, Time: now, Refusals: []entry.Refusal{
		{Message: message, First: now, Last: now, Count: 1},
	}}
	data, err := report.Encode()
	if err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, err = n.propose(ctx, data)
	}
	if err != nil {
		n.slog.Warn("a row of Logs is lost", "message", message, "err", err)
	}
}
