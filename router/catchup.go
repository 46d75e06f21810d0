package router

import (
	"errors"
	"net"

	"hpfriends/eventlog"
	"hpfriends/graph"
)

const (
	chunkEntries = 64  // entry numbers asked for at a time
	lagEntries   = 256 // reaches remembered by one lagging reader
)

// catchUp reads the log from where the subscriber fell behind until it meets the tail, and makes it live again there.
func (s *Subscriber) catchUp() error {
	c := s.beginCatchUp()
	for {
		sel, ok := c.turn()
		if !ok {
			return nil
		}
		applied := s.router.log.Applied()
		entries, err := s.router.log.Next(sel, c.at.Index, chunkEntries)
		if errors.Is(err, eventlog.ErrBelowFloor) {
			c.at = eventlog.Position{Index: s.router.log.Floor()}
			continue
		}
		if err != nil {
			return err
		}
		for _, index := range entries {
			if err := c.entry(index); err != nil {
				return err
			}
			if c.interrupted() {
				return nil
			}
		}
		if len(entries) == chunkEntries {
			c.at = eventlog.Position{Index: entries[len(entries)-1] + 1}
		} else {
			c.at = eventlog.Position{Index: max(applied, c.at.Index-1, last(entries)) + 1}
		}
	}
}

func last(entries []uint64) uint64 {
	if len(entries) == 0 {
		return 0
	}
	return entries[len(entries)-1]
}

// catchingUp is the state of one reading.
type catchingUp struct {
	s       *Subscriber
	at      eventlog.Position // next to read
	then    *graph.Version    // in force at at
	viewAt  *graph.View
	newest  *graph.Version
	viewNow *graph.View
}

func (s *Subscriber) beginCatchUp() *catchingUp {
	s.mu.Lock()
	defer s.mu.Unlock()
	then := s.from.At(s.lagAt.Index)
	newest := then.Newest()
	return &catchingUp{
		s: s, at: s.lagAt, then: then, viewAt: graph.NewView(then.Graph, lagEntries),
		newest: newest, viewNow: graph.NewView(newest.Graph, lagEntries),
	}
}

// turn records how far the reading is and either goes live, when it has met the tail, or says what to read next.
func (c *catchingUp) turn() (eventlog.Selector, bool) {
	r := c.s.router
	r.mu.Lock()
	defer r.mu.Unlock()
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.s.closed {
		return eventlog.Selector{}, false
	}
	c.s.lagAt, c.s.from = c.at, c.then.At(c.at.Index)
	if c.at.Index >= r.next || len(c.s.subscribed) == 0 {
		// What this reading has seen the tail must not offer again.
		c.s.lagging, c.s.liveFrom, c.s.from = false, c.at.Index, nil
		return eventlog.Selector{}, false
	}
	return c.s.selector(), true
}

func (c *catchingUp) interrupted() bool { return c.s.isClosed() }

// entry sends what the subscriber may have of one entry, from c.at on.
func (c *catchingUp) entry(index uint64) error {
	b, err := c.s.router.log.Batch(index)
	if errors.Is(err, eventlog.ErrNotBatch) {
		return nil
	}
	if err != nil {
		return err
	}
	c.switchVersions(index)
	var bufs net.Buffers
	count := 0
	for i := range b.Runs {
		run := &b.Runs[i]
		if !c.may(index, run) {
			continue
		}
		c.s.pieces(eventlog.Position{Index: index, Offset: run.First}, run, func(p eventlog.Position, frames []byte, n int) {
			frames, n = c.unread(p, frames, n)
			if n > 0 {
				bufs, count = append(bufs, frames), count+n
			}
		})
	}
	c.at = eventlog.Position{Index: index + 1}
	if count == 0 {
		return nil
	}
	return c.s.send(bufs, count)
}

// unread cuts off the messages before c.at, which were sent before the subscriber fell behind.
func (c *catchingUp) unread(p eventlog.Position, frames []byte, n int) ([]byte, int) {
	for n > 0 && p.Compare(c.at) < 0 {
		frames = frames[frameLen(frames):]
		p.Offset++
		n--
	}
	return frames, n
}

func (c *catchingUp) switchVersions(index uint64) {
	if v := c.then.At(index); v != c.then {
		c.then = v
		c.viewAt.Advance(v.Graph)
	}
	if v := c.newest.Newest(); v != c.newest {
		c.newest = v
		c.viewNow.Advance(v.Graph)
	}
}

// may is the rule for readers that lag: in the reach then, and entitled now.
func (c *catchingUp) may(index uint64, run *eventlog.Run) bool {
	origin := graph.UserID(run.Origin)
	if !c.covered(index, run.Channel) || !c.viewAt.Reach(origin, run.Channel).Has(c.s.user) {
		return false
	}
	if c.then == c.newest {
		return true
	}
	from, ok := c.viewNow.Reach(origin, run.Channel).VisibleFrom(c.s.user)
	return ok && from <= index
}

func (c *catchingUp) covered(index uint64, channel string) bool {
	c.s.router.mu.Lock()
	defer c.s.router.mu.Unlock()
	return c.s.covers(channel, index)
}
