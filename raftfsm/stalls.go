package raftfsm

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/raftfsm/apply"
	"hpfriends/raftfsm/store"
)

// ErrStuck means that the local store did not finish a write.
var ErrStuck = errors.New("raftfsm: the disk does not answer")

// A leader whose disk hangs would lead for ever, since its heartbeats do not touch the disk (hashicorp/raft#503).
const (
	withholdAfter = 2 * time.Second  // others may elect
	exitAfter     = 20 * time.Second // this node is of no use any more
)

// watchStore lets others elect while the local store is stuck, and ends the process when it stays so.
func (m *Members) watchStore() {
	withheld := false
	m.node.stalls.Watch(m.node.stop, func(stuck time.Duration) bool {
		if now := stuck >= withholdAfter; now != withheld && m.transport.Withhold(now) {
			withheld = now
			m.node.slog.Warn("local store", "stuck", now, "for", stuck)
		}
		if stuck >= exitAfter {
			m.node.fail(fmt.Errorf("%w: a write has taken %v", ErrStuck, stuck))
			return false
		}
		return true
	})
}

// Observer takes how long something took, in seconds; any goroutine may call it.
type Observer interface{ Observe(seconds float64) }

// watchedFSM is the FSM as raft's FSM goroutine calls it; how long that takes is watched.
type watchedFSM struct {
	*apply.FSM
	stalls  *store.Stalls
	applied Observer // nil: nobody
}

// ApplyBatch implements raft.BatchingFSM.
func (w *watchedFSM) ApplyBatch(logs []*raft.Log) []any {
	defer w.stalls.Applying()()
	if w.applied != nil {
		defer func(began time.Time) { w.applied.Observe(time.Since(began).Seconds()) }(time.Now())
	}
	return w.FSM.ApplyBatch(logs)
}

// Restore implements raft.FSM.
func (w *watchedFSM) Restore(snapshot io.ReadCloser) error {
	defer w.stalls.Applying()()
	return w.FSM.Restore(snapshot)
}
