package raftfsm

import (
	"cmp"
	"context"
	"time"

	"hpfriends/raftfsm/apply"
)

// flight is a proposed batch whose outcome is awaited.
type flight struct {
	batch *batch
	began time.Time // its first proposal
	seq   uint64
	data  []byte
	done  chan struct{} // closed when res and err are set
	res   apply.BatchResult
	err   error
}

// retryAfter is the pause before batches with a failed or unknown outcome are proposed again. It doubles up to
// retryMost while no batch gets through: a cluster may be without a leader for minutes.
const (
	retryAfter = 20 * time.Millisecond
	retryMost  = 250 * time.Millisecond
)

// Run proposes batches until ctx is done, and then, until drain is done, what is still waiting.
func (in *Ingest) Run(ctx, drain context.Context) {
	var flights []*flight // in order of their sequence numbers
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		var left time.Duration
		for len(flights) < maxFlights {
			var b *batch
			if b, left = in.take(len(flights) == 0); b == nil {
				break
			}
			var first uint64
			if len(flights) > 0 {
				first = flights[0].seq
			}
			flights = append(flights, in.launch(b, first))
		}
		if len(flights) == 0 && ctx.Err() != nil {
			return
		}
		if left > 0 {
			timer.Reset(left)
		}
		var head <-chan struct{}
		if len(flights) > 0 {
			head = flights[0].done
		}
		stop := ctx.Done()
		if len(flights) > 0 {
			stop = nil // what is under way is waited for
		}
		select {
		case <-head:
			flights = in.land(flights)
		case <-in.wake:
		case <-timer.C:
		case <-stop:
		case <-drain.Done():
			return
		}
	}
}

// launch encodes a batch under the next sequence number and proposes it. first is the oldest that is under way, 0: this
// one.
func (in *Ingest) launch(b *batch, first uint64) *flight {
	in.seq++
	f := &flight{batch: b, began: time.Now(), seq: in.seq, data: b.builder.Encode(in.session, in.seq)}
	in.propose(f, cmp.Or(first, f.seq))
	return f
}

func (in *Ingest) propose(f *flight, first uint64) {
	f.done = make(chan struct{})
	end := in.node.begin(f.data, first)
	go func() { // ends when raft or the leader answers, or with the node
		defer close(f.done)
		r, err := end()
		f.err = err
		f.res, _ = r.Response.(apply.BatchResult)
	}()
}

// land settles the flights that are committed from the head on. When the head failed, those behind it cannot have been
// applied either: all are proposed again, in order. The session's sequence numbers make that safe.
func (in *Ingest) land(flights []*flight) []*flight {
	for len(flights) > 0 {
		f := flights[0]
		select {
		case <-f.done:
		default:
			return flights
		}
		if f.err != nil || !f.res.Applied && !f.res.Repeat {
			in.again(flights)
			return flights
		}
		in.settle(f.batch)
		if in.committed != nil {
			in.committed.Observe(time.Since(f.began).Seconds())
		}
		flights, in.pause = flights[1:], 0
	}
	return flights
}

func (in *Ingest) again(flights []*flight) {
	for _, f := range flights {
		select {
		case <-f.done:
		case <-in.node.stop:
			return
		}
	}
	in.pause = min(max(2*in.pause, retryAfter), retryMost)
	select {
	case <-time.After(in.pause):
	case <-in.node.stop:
		return
	}
	in.node.slog.Debug("batches are proposed again", "first", flights[0].err, "count", len(flights), "leading",
		in.node.Leading())
	first := flights[0].seq
	for _, f := range flights {
		f.res, f.err = apply.BatchResult{}, nil
		in.propose(f, first)
	}
}
