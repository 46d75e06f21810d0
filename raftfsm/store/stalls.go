package store

import (
	"sync/atomic"
	"time"
)

// stallTick is how often it is looked whether a write is under way.
const stallTick = 250 * time.Millisecond

// What can be stuck: each has one goroutine.
const (
	stallStore = iota // raft's main goroutine in StoreLogs
	stallApply        // raft's FSM goroutine in ApplyBatch
	stallKinds
)

// Stalls knows which writes are under way.
type Stalls struct{ running [stallKinds]atomic.Uint64 } // odd: since the last change

// begin notes that a write began; the result notes its end.
func (s *Stalls) begin(kind int) func() {
	s.running[kind].Add(1)
	return func() { s.running[kind].Add(1) }
}

// Applying notes that raft's FSM goroutine applies something; the result notes its end.
func (s *Stalls) Applying() func() { return s.begin(stallApply) }

// Watch reports to seen, at each tick until stop is closed or seen answers false, how long the longest write under way
// has taken.
func (s *Stalls) Watch(stop <-chan struct{}, seen func(stuck time.Duration) bool) {
	var clock stallClock
	tick := time.NewTicker(stallTick)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-stop:
			return
		}
		if !seen(clock.tick(s)) {
			return
		}
	}
}

// stallClock measures by its own ticks, not by the clock: a process that was stopped for an hour is not stuck.
type stallClock struct {
	seen  [stallKinds]uint64
	ticks [stallKinds]int
}

// tick looks once, and returns how long the longest write under way has been seen.
func (c *stallClock) tick(s *Stalls) time.Duration {
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
