package raftfsm

import (
	"context"
	"time"

	"github.com/hashicorp/raft"
)

// flight is a proposed batch whose outcome is awaited.
type flight struct {
	batch *batch
	data  []byte
	done  chan struct{} // closed when res and err are set
	res   batchResult
	err   error
}

// retryAfter is the pause before batches with a failed or unknown outcome are proposed again.
const retryAfter = 20 * time.Millisecond

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
			flights = append(flights, in.launch(b))
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

// launch encodes a batch under the next sequence number and proposes it.
func (in *Ingest) launch(b *batch) *flight {
	in.seq++
	f := &flight{batch: b, data: b.builder.Encode(in.session, in.seq)}
	in.propose(f)
	return f
}

func (in *Ingest) propose(f *flight) {
	f.done = make(chan struct{})
	future := in.node.raft.Apply(f.data, 0)
	go func() { // ends when raft answers, which it does at shutdown too for what it has accepted
		defer close(f.done)
		if f.err = future.Error(); f.err != nil {
			return
		}
		f.res, _ = future.Response().(batchResult)
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
		if f.err != nil || !f.res.applied && !f.res.repeat {
			in.again(flights)
			return flights
		}
		in.settle(f.batch)
		flights = flights[1:]
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
	select {
	case <-time.After(retryAfter):
	case <-in.node.stop:
		return
	}
	in.node.slog.Debug("batches are proposed again", "first", flights[0].err, "count", len(flights), "state", in.node.raft.State() == raft.Leader)
	for _, f := range flights {
		f.res, f.err = batchResult{}, nil
		in.propose(f)
	}
}
