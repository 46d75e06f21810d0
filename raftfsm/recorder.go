package raftfsm

import (
	"context"
	"errors"
	"time"

	"hpfriends/eventlog/entry"
	"hpfriends/raftfsm/report"
)

// gather is how long a report that was brought forward still waits for more of what made it due.
const gather = 50 * time.Millisecond

// Recorder collects what this node counts and refuses, and proposes it as a report every few seconds, sooner when
// something new was refused: the load of the log does not depend on how much is refused.
type Recorder struct {
	node    *Node
	pending *report.Pending
}

// NewRecorder returns a Recorder; Run must run for its reports to be proposed.
func NewRecorder(n *Node) *Recorder { return &Recorder{node: n, pending: report.New()} }

// Count adds what one connection did since it was last counted.
func (r *Recorder) Count(d entry.Usage) { r.pending.Count(d) }

// Refuse adds a refusal seen now, or Count of them. Ident and channel may be any bytes; what is not text is escaped.
func (r *Recorder) Refuse(d entry.Refusal) { r.pending.Refuse(d, r.node.clock.Now().UTC()) }

// Usage is what is counted of an authkey and not in the log yet, also while a report of it is under way.
func (r *Recorder) Usage(authkey uint64) entry.Usage { return r.pending.Usage(authkey) }

// Run proposes reports until ctx is done.
func (r *Recorder) Run(ctx context.Context) {
	tick := time.NewTicker(report.Every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-r.pending.Soon():
			select {
			case <-time.After(gather):
			case <-ctx.Done():
				return
			}
			tick.Reset(report.Every)
		case <-ctx.Done():
			return
		}
		r.propose(ctx, r.pending.Take(r.node.ID(), r.node.clock.Now().UTC()))
	}
}

// Flush proposes all that is pending, also what could wait.
func (r *Recorder) Flush(ctx context.Context) {
	for r.propose(ctx, r.pending.TakeAll(r.node.ID(), r.node.clock.Now().UTC())) {
	}
}

// propose reports whether there was something to propose, and that it is not pending any more. When it certainly was
// not applied it is kept for the next report; when the outcome is unknown it is not counted again.
func (r *Recorder) propose(ctx context.Context, taken *entry.Report) bool {
	if taken == nil {
		return false
	}
	defer r.pending.Taken()
	data, err := taken.Encode()
	if err == nil {
		_, err = r.node.propose(ctx, data)
	}
	switch {
	case err == nil:
	case errors.Is(err, ErrUnavailable):
		r.pending.Restore(taken)
		return false
	default:
		r.node.slog.Warn("a report of statistics may be lost", "err", err)
	}
	return true
}
