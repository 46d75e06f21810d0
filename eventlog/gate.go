package eventlog

import (
	"sync"
	"sync/atomic"
)

// gate counts the calls inside the store, so that Close can wait for them: Pebble panics when used after its Close. It
// is no lock: a call inside a call, during a Close, is refused and cannot deadlock.
type gate struct {
	state   atomic.Int64 // calls inside, and closedBit
	drained chan struct{}
	once    sync.Once
}

const closedBit = 1 << 62

func (g *gate) init() { g.drained = make(chan struct{}) }

// enter reports whether the store is open; the caller calls leave after true.
func (g *gate) enter() bool {
	if g.state.Add(1)&closedBit == 0 {
		return true
	}
	g.leave()
	return false
}

func (g *gate) leave() {
	if g.state.Add(-1) == closedBit {
		g.once.Do(func() { close(g.drained) })
	}
}

// close lets nobody in any more. It reports false when it was closed already.
func (g *gate) close() bool {
	was := g.state.Or(closedBit)
	if was == 0 {
		g.once.Do(func() { close(g.drained) })
	}
	return was&closedBit == 0
}

// wait returns when the last call has left.
func (g *gate) wait() { <-g.drained }
