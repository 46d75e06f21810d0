package web

import (
	"context"
	"time"
)

// readiness asks whether the node is ready on behalf of all who want to know at about the same time: anybody may ask,
// and each answer takes a round through the cluster.
type readiness struct {
	check func(context.Context) error
	turn  chan struct{} // has a value while one asks: the others wait for its answer; guards what follows

	at    time.Time // of the answer; zero: there is none yet
	ready error
}

func newReadiness(check func(context.Context) error) *readiness {
	return &readiness{check: check, turn: make(chan struct{}, 1)}
}

const (
	readyWait = 2 * time.Second
	// readyFresh is how old an answer may be.
	readyFresh = 100 * time.Millisecond
)

// ask returns an answer that is at most readyFresh old.
func (r *readiness) ask(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if !r.at.IsZero() && time.Since(r.at) < readyFresh {
		return r.ready
	}
	// Who asks first may leave before the others have their answer.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyWait)
	defer cancel()
	r.ready = r.check(ctx)
	r.at = time.Now()
	return r.ready
}
