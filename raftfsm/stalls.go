package raftfsm

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// ErrStuck means that the local store did not finish a write.
var ErrStuck = errors.New("raftfsm: the disk does not answer")

// A leader whose disk hangs would lead for ever, since its heartbeats do not touch the disk (hashicorp/raft#503).
const (
	stallTick     = 250 * time.Millisecond
	withholdAfter = 2 * time.Second  // others may elect
	exitAfter     = 20 * time.Second // this node is of no use any more
)

// What can be stuck: each has one goroutine.
const (
	stallStore = iota // raft's main goroutine in StoreLogs
	stallApply        // raft's FSM goroutine in ApplyBatch
	stallKinds
)

// stalls knows which writes are under way.
type stalls struct{ running [stallKinds]atomic.Uint64 } // odd: since the last change

// begin notes that a write began; the result notes its end.
func (s *stalls) begin(kind int) func() {
	s.running[kind].Add(1)
	return func() { s.running[kind].Add(1) }
}

// stallClock measures by its own ticks, not by the clock: a process that was stopped for an hour is not stuck.
type stallClock struct {
	seen  [stallKinds]uint64
	ticks [stallKinds]int
}

// tick looks once, and returns how long the longest write under way has been seen.
func (c *stallClock) tick(s *stalls) time.Duration {
	longest := 0
	for kind := range c.seen {
		now := s.running[kind].Load()
		if now%2 == 1 && now == c.seen[kind] {
			c.ticks[kind]++
		} else {
			c.ticks[kind] = 0
		}
		c.seen[kind] = now
		longest = max(longest, c.ticks[kind])
	}
	return time.Duration(longest) * stallTick
}

// watchStore lets others elect while the local store is stuck, and ends the process when it stays so.
func (m *Members) watchStore() {
	var clock stallClock
	tick := time.NewTicker(stallTick)
	defer tick.Stop()
	withheld := false
	for {
		select {
		case <-tick.C:
		case <-m.node.stop:
			return
		}
		stuck := clock.tick(m.node.stalls)
		if now := stuck >= withholdAfter; now != withheld && m.transport.Withhold(now) {
			withheld = now
			m.node.slog.Warn("local store", "stuck", now, "for", stuck)
		}
		if stuck >= exitAfter {
			m.node.fail(fmt.Errorf("%w: a write has taken %v", ErrStuck, stuck))
			return
		}
	}
}
