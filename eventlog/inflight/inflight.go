// Package inflight counts the calls inside something that must not be closed under them.
package inflight

import (
	"sync"
	"sync/atomic"
)

// Calls counts the calls inside, so that whoever closes can wait for them. It is not a lock: a call inside a call,
// after Shut, is refused and cannot deadlock.
type Calls struct {
	state   atomic.Int64 // and closedBit
	drained chan struct{}
	once    sync.Once
}

const closedBit = 1 << 62

// Init makes it ready: open, and nobody inside.
func (c *Calls) Init() { c.drained = make(chan struct{}) }

// Enter reports whether it is open; the caller calls Leave after true.
func (c *Calls) Enter() bool {
	if c.state.Add(1)&closedBit == 0 {
		return true
	}
	c.Leave()
	return false
}

// Leave ends a call.
func (c *Calls) Leave() {
	if c.state.Add(-1) == closedBit {
		c.once.Do(func() { close(c.drained) })
	}
}

// Shut lets nobody in any more. It reports false when it was shut already.
func (c *Calls) Shut() bool {
	was := c.state.Or(closedBit)
	if was == 0 {
		c.once.Do(func() { close(c.drained) })
	}
	return was&closedBit == 0
}

// IsShut reports whether Shut was called.
func (c *Calls) IsShut() bool { return c.state.Load()&closedBit != 0 }

// Drain returns when the last call has left.
func (c *Calls) Drain() { <-c.drained }
