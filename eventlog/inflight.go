package eventlog

import (
	"sync"
	"sync/atomic"
)

// inflight counts the calls inside the store, so that Close can wait for them: Pebble panics when used after its Close.
// It is not a lock: a call inside a call, during a Close, is refused and cannot deadlock.
type inflight struct {
	state   atomic.Int64 // calls inside, and closedBit
	drained chan struct{}
	once    sync.Once
}

const closedBit = 1 << 62

func (c *inflight) init() { c.drained = make(chan struct{}) }

// enter reports whether the store is open; the caller calls leave after true.
func (c *inflight) enter() bool {
	if c.state.Add(1)&closedBit == 0 {
		return true
	}
	c.leave()
	return false
}

func (c *inflight) leave() {
	if c.state.Add(-1) == closedBit {
		c.once.Do(func() { close(c.drained) })
	}
}

// close lets nobody in any more. It reports false when it was closed already.
func (c *inflight) close() bool {
	was := c.state.Or(closedBit)
	if was == 0 {
		c.once.Do(func() { close(c.drained) })
	}
	return was&closedBit == 0
}

// wait returns when the last call has left.
func (c *inflight) wait() { <-c.drained }
