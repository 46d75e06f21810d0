package raftfsm

import (
	"sync/atomic"
	"time"

	"hpfriends/eventlog"
	"hpfriends/raftfsm/survey"
)

// clock is this node's, bounded by those of the other members: what it stamps stays in the log for ever. Between two
// looks at the others it is bounded by the time that has passed by the monotonic clock, so that a step is noticed at
// once. The zero value, and a node that a majority of others has not answered, go by the node's own clock.
type clock struct {
	bounds atomic.Pointer[clockBounds]
	skew   atomic.Int64 // nanoseconds, 0 but in tests: how wrong the node's clock is
}

type clockBounds struct {
	survey.Clocks
	at time.Time // of the look, with its monotonic reading
}

// now is what this node stamps with.
func (c *clock) now() time.Time {
	b := c.bounds.Load()
	if b == nil {
		return c.own()
	}
	elapsed := time.Since(b.at) // monotonic
	return survey.Clocks{Low: b.Low.Add(elapsed), High: b.High.Add(elapsed)}.Bound(c.own())
}

// own is this node's clock as it is, which the others are told.
func (c *clock) own() time.Time {
	return time.Now().Add(time.Duration(c.skew.Load()))
}

// compare takes the bounds of a survey that is just done. It reports whether this node's clock is out of them.
func (c *clock) compare(self string, all []survey.Member) (wrong bool) {
	bounds, ok := survey.Agree(self, all, eventlog.ClockSlack)
	if !ok {
		c.bounds.Store(nil)
		return false
	}
	c.bounds.Store(&clockBounds{bounds, time.Now()})
	own := c.own()
	return !bounds.Bound(own).Equal(own)
}
