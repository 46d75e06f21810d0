// Package clock is the time that a node goes by. A wall clock can be wrong, and what is stamped, deleted or ended by it
// stays so: one reading of it is never enough.
//
// The clock carries the last time that it trusted on by the monotonic clock. A wall clock within Slack of that is
// right. One that is off is doubted until a majority of the other members says the same, until it has stayed so for the
// grace, or until somebody accepts it. How long a machine was off nothing says: after a start a wall clock that is
// ahead by no more than the grace is believed once it has run steadily for a minute.
//
//	                     in doubt, Now                        Trusted
//	wall clock behind    the trusted time, carried on         not ok
//	ahead, while running the same for a minute, then it       not ok
//	ahead, at the start  the wall clock                       not ok
//
// So Now never goes back: what has ended by it does not come to life. What cannot be undone goes by Trusted.
//
// Now and Trusted may be called from any goroutine, also while Look, Compare and Accept are called, each of these by
// one at a time.
package clock

import (
	"sync"
	"sync/atomic"
	"time"

	"hpfriends/eventlog"
	"hpfriends/raftfsm/survey"
)

const (
	// Slack is how far a clock that is right may be off.
	Slack = eventlog.ClockSlack
	// steady is how long a doubted clock must have gone on steadily to be used for what can be undone.
	steady = time.Minute
)

// DefaultGrace is how long a clock is doubted at most.
const DefaultGrace = 24 * time.Hour

// Clock is a node's.
type Clock struct {
	wall  func() time.Time // with a monotonic reading
	grace time.Duration
	mu    sync.Mutex // of those who change what follows
	now   atomic.Pointer[state]
}

// state is replaced as a whole.
type state struct {
	trusted line // the last time that was trusted
	doubt   *doubt
	bounds  *bounds // nil: no majority of other members has told its clocks
}

// line is a clock that runs on from a time.
type line struct{ time, since time.Time } // since has a monotonic reading

func (l line) now() time.Time { return l.time.Add(time.Since(l.since)) }

// doubt is of a wall clock that is off.
type doubt struct {
	wall  line // as it was first seen
	start bool // nobody knows how long the machine was off
}

type bounds struct {
	survey.Clocks
	since time.Time
}

// New returns a clock that trusted a time last, zero if there was none. wall is the wall clock of the machine; nil:
// time.Now.
func New(last time.Time, grace time.Duration, wall func() time.Time) *Clock {
	if wall == nil {
		wall = time.Now
	}
	c := &Clock{wall: wall, grace: grace}
	s := &state{trusted: c.read()}
	if !last.IsZero() && !near(s.trusted.time.Sub(last)) {
		s.doubt = &doubt{wall: s.trusted, start: true}
		s.trusted.time = last
	}
	c.now.Store(s)
	return c
}

// read takes the wall clock with the monotonic one.
func (c *Clock) read() line { return line{c.wall().Round(0), time.Now()} }

// Wall returns the wall clock as it is, which the other members are told.
func (c *Clock) Wall() time.Time { return c.wall().Round(0) }

// Now is what the node stamps with, and by which what can be undone begins and ends.
func (c *Clock) Now() time.Time {
	t, _ := c.now.Load().judge(c.Wall())
	return t
}

// Trusted is the time for what cannot be undone. It is not ok while the wall clock is doubted, and then is an estimate.
func (c *Clock) Trusted() (t time.Time, ok bool) {
	s := c.now.Load()
	if t, ok = s.judge(c.Wall()); !ok {
		t = s.trusted.now()
	}
	return t, ok
}

// judge returns the time, and whether it is trusted.
func (s *state) judge(wall time.Time) (time.Time, bool) {
	if b := s.bounds; b != nil {
		elapsed := time.Since(b.since)
		return survey.Clocks{Low: b.Low.Add(elapsed), High: b.High.Add(elapsed)}.Bound(wall), true
	}
	expected := s.trusted.now()
	switch off := wall.Sub(expected); {
	case near(off):
		return wall, true
	case off > 0 && s.doubt != nil && near(wall.Sub(s.doubt.wall.now())) && s.doubt.lasted() >= s.doubt.enough():
		return wall, false
	default:
		return expected, false
	}
}

func near(off time.Duration) bool { return off.Abs() <= Slack }

func (d *doubt) lasted() time.Duration { return time.Since(d.wall.since) }

// enough is how long it must have lasted to be used.
func (d *doubt) enough() time.Duration {
	if d.start {
		return 0
	}
	return steady
}

// Look takes note of the wall clock, about once a second. It reports whether a doubt has begun or ended.
func (c *Clock) Look() (changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, wall := *c.now.Load(), c.read()
	before := s.doubt
	if t, ok := s.judge(wall.time); ok {
		s.trusted, s.doubt = line{t, wall.since}, nil
	} else {
		s.suspect(wall, c.grace)
	}
	c.now.Store(&s)
	return (before == nil) != (s.doubt == nil)
}

// suspect begins a doubt, or ends one that has lasted long enough.
func (s *state) suspect(wall line, grace time.Duration) {
	d := s.doubt
	if d == nil || !near(wall.time.Sub(d.wall.now())) {
		s.doubt = &doubt{wall: wall, start: d != nil && d.start}
		return
	}
	ahead := wall.time.Sub(s.trusted.now())
	if d.lasted() >= grace || d.start && 0 < ahead && ahead <= grace && d.lasted() >= steady {
		s.trusted, s.doubt = wall, nil
	}
}

// Compare takes what all members have said in a survey that is just done. It reports whether this node's clock is far
// from those of a majority of the others.
func (c *Clock) Compare(self string, all []survey.Member) (wrong bool) {
	told, ok := survey.Agree(self, all, Slack)
	c.mu.Lock()
	defer c.mu.Unlock()
	s := *c.now.Load()
	if s.bounds = nil; ok {
		s.bounds = &bounds{told, time.Now()}
	}
	c.now.Store(&s)
	wall := c.Wall()
	return ok && !told.Bound(wall).Equal(wall)
}

// Accept ends the doubt if the wall clock is near what somebody said to be right.
func (c *Clock) Accept(right time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, wall := *c.now.Load(), c.read()
	if near(wall.time.Sub(right)) {
		s.trusted, s.doubt = wall, nil
		c.now.Store(&s)
	}
}

// Doubt says since when and at what time the wall clock is doubted, and until when it is at most. It is not ok when the
// clock is trusted.
func (c *Clock) Doubt() (d Doubt, ok bool) {
	s := c.now.Load()
	if s.doubt == nil || s.bounds != nil {
		return d, false
	}
	left := max(0, c.grace-s.doubt.lasted())
	return Doubt{Wall: s.doubt.wall.now().UTC(), Expected: s.trusted.now().UTC(), Left: left}, true
}

// Doubt is of a wall clock that is not where it was expected.
type Doubt struct {
	Wall, Expected time.Time
	Left           time.Duration // of the grace
}
