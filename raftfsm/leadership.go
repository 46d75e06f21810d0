package raftfsm

import (
	"context"
	"sync/atomic"

	"github.com/hashicorp/raft"
)

// leadership follows who leads, as this node knows it.
type leadership struct {
	current atomic.Pointer[tenure]
}

// tenure is the time of one leader.
type tenure struct {
	leader string          // empty: none is known
	over   context.Context // done when it ends
	end    context.CancelFunc
}

func newTenure(leader string) *tenure {
	r := &tenure{leader: leader}
	r.over, r.end = context.WithCancel(context.Background())
	return r
}

func (l *leadership) init() { l.current.Store(newTenure("")) }

func (l *leadership) now() *tenure { return l.current.Load() }

// follow keeps the current tenure until stop is closed. raft drops observations when the channel is full, so each is
// only a reason to look.
func (l *leadership) follow(r *raft.Raft, stop <-chan struct{}) {
	seen := make(chan raft.Observation, 16)
	o := raft.NewObserver(seen, false, func(o *raft.Observation) bool {
		_, ok := o.Data.(raft.LeaderObservation)
		return ok
	})
	r.RegisterObserver(o)
	defer r.DeregisterObserver(o)
	defer func() { l.now().end() }()
	for {
		_, id := r.LeaderWithID()
		if old := l.now(); old.leader != string(id) {
			l.current.Store(newTenure(string(id)))
			old.end()
		}
		select {
		case <-seen:
		case <-stop:
			return
		}
	}
}
