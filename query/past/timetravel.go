// Package past is the graph as it was: as of any position or time, and the steps between.
//
// TimeTravel rebuilds it from what the log keeps for ever: the audit events, each a command of the graph, and some
// stored graphs. A Point is what people ask for, a position or a time; a Cut is where it falls among the events.
//
// # Invariant
//
// The graph as of a position is the one that every node had there. The chain of the events is checked on the way, so an
// altered history is an error and not an answer.
//
// # Concurrency
//
// The methods of TimeTravel may be called from any goroutine. States and steps are the caller's own, and their graphs
// never change. What somebody may see of them is for package query to decide.
package past

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/query/view"
)

// TimeTravel rebuilds the graph as of any position: from the nearest stored graph or waypoint below it, and the audit
// events after that. The chain of the events is checked on the way, so an altered history is an error and not an
// answer.
//
// Its methods may be called from any goroutine, and nobody waits for somebody who asks for another moment. Of those who
// ask for the same one at the same time, one rebuilds it.
type TimeTravel struct {
	config Config
	log    *eventlog.Log
	flight singleflight.Group // by index

	mu        sync.Mutex
	waypoints []*waypoint // by index
	uses      uint64
	every     uint64 // events between two milestones
}

// Config is how to travel. What is zero has its default.
type Config struct {
	Newest     func() *graph.Graph // which is not rebuilt; nil: it is
	Every      uint64              // events between two waypoints; 0: 1024
	Waypoints  int                 // that are kept beside the milestones; 0: 64
	Milestones int                 // that are kept; 0: 192
	Now        func() time.Time    // nil: time.Now
}

// State is the graph as of an audit event.
type State struct {
	Mark  eventlog.AuditMark // zero: before the first event
	Graph *graph.Graph
}

// waypoint is a state that is kept in memory. Graphs of one history share what did not change, so it costs what does.
type waypoint struct {
	State
	used      uint64 // when, in uses
	milestone bool   // it stays
}

// Step is one event: the command, and the graph before and after it.
type Step struct {
	Mark          eventlog.AuditMark
	Command       graph.Command
	Before, After *graph.Graph
}

const (
	waypointEvery  = 1024
	waypointsKept  = 64
	milestonesKept = 192
)

// errEnough ends a walk before its end.
var errEnough = errors.New("past: enough")

// Portion is how many events are read with one iterator.
const Portion = 512

// New returns a TimeTravel on a log, which may be in use by a node or closed to all others.
func New(log *eventlog.Log, c Config) *TimeTravel {
	c.Every, c.Waypoints = cmp.Or(c.Every, waypointEvery), cmp.Or(c.Waypoints, waypointsKept)
	c.Milestones = cmp.Or(c.Milestones, milestonesKept)
	if c.Now == nil {
		c.Now = time.Now
	}
	return &TimeTravel{config: c, log: log, every: 2 * c.Every}
}

// GraphAt is the graph after the newest change at or before index.
func (t *TimeTravel) GraphAt(index uint64) (*graph.Graph, error) {
	s, err := t.At(index)
	return s.Graph, err
}

// Resolve finds where a point falls among the changes.
func (t *TimeTravel) Resolve(at Point) (Cut, error) {
	switch {
	case !at.given:
		newest, err := t.log.Audit().Newest()
		return Cut{newest.Index, newest.Index}, err
	case at.Time.IsZero():
		mark, err := t.log.Audit().Before(at.Index)
		return Cut{mark.Index, mark.Index}, err
	}
	return t.CutAt(at.Time)
}

// Version names a state by its newest change.
func (t *TimeTravel) Version(s State) (view.Version, error) {
	v := view.Version{Position: "#" + format(s.Mark.Index)}
	if s.Mark.Index == 0 {
		return v, nil
	}
	r, err := t.log.Audit().Event(s.Mark.Index)
	if err != nil {
		return v, err
	}
	stamped, err := stampOf(r)
	if !stamped.IsZero() {
		v.Time = &stamped
	}
	return v, err
}

// At is the state after the newest change at or before index.
func (t *TimeTravel) At(index uint64) (State, error) {
	target, err := t.log.Audit().Before(index)
	if err != nil {
		return State{}, err
	}
	if t.config.Newest != nil {
		if g := t.config.Newest(); g.Index() == target.Index {
			return State{target, g}, nil
		}
	}
	found, err, _ := t.flight.Do(format(target.Index), func() (any, error) {
		s, err := t.nearest(target)
		if err == nil {
			s, err = t.rebuild(s, target, nil)
		}
		if err == nil {
			t.note(s, false)
		}
		return s, err
	})
	s, _ := found.(State)
	return s, err
}

// Below is a state before index, and not far before it: what is between is walked in one go.
func (t *TimeTravel) Below(index uint64) (State, error) {
	if index == 0 {
		return State{Graph: graph.New()}, nil
	}
	target, err := t.log.Audit().Before(index - 1)
	if err != nil {
		return State{}, err
	}
	s, err := t.nearest(target)
	if err != nil || target.Number-s.Mark.Number <= t.config.Every {
		return s, err
	}
	last := s
	_, err = t.rebuild(s, target, func(s State) { last = s })
	return last, err
}

// nearest is the state at or below target from which the fewest events lead there. Decoding a stored graph costs about
// as much as many events, so a waypoint that is not much further away is better.
func (t *TimeTravel) nearest(target eventlog.AuditMark) (State, error) {
	best := t.passed(target.Index)
	if target.Number-best.Mark.Number <= t.config.Every {
		return best, nil
	}
	stored, data, ok, err := t.log.StoredGraphs().Newest(target.Index)
	if err != nil || !ok || stored.Number <= best.Mark.Number+4*t.config.Every {
		return best, err
	}
	g := new(graph.Graph)
	if err := g.UnmarshalBinary(data); err != nil {
		return best, fmt.Errorf("past: stored graph #%d: %w", stored.Index, err)
	}
	return State{stored.AuditMark, g}, nil
}

// rebuild walks on to target and leaves waypoints. laid, if not nil, is told of each.
func (t *TimeTravel) rebuild(s State, target eventlog.AuditMark, laid func(State)) (State, error) {
	if s.Mark.Index >= target.Index {
		return s, nil
	}
	end, err := t.Walk(s, target.Index, func(s Step) error {
		if s.Mark.Number%t.config.Every == 0 && s.Mark.Index < target.Index {
			way := State{s.Mark, s.After}
			t.note(way, false)
			if laid != nil {
				laid(way)
			}
		}
		return nil
	})
	if err == nil && end.Mark != target {
		err = fmt.Errorf("past: the audit event #%d is gone: run `hpfriends audit verify`", target.Index)
	}
	return end, err
}

// Walk applies the events after s up to the log index to, and shows each to visit, whose error ends it.
func (t *TimeTravel) Walk(s State, to uint64, visit func(Step) error) (State, error) {
	for from := s.Mark.Index + 1; from != 0 && from <= to; {
		next, err := t.log.Audit().Scan(from, Portion, func(r eventlog.AuditRecord) error {
			if r.Index > to {
				return nil
			}
			if err := s.Mark.Check(r); err != nil {
				return err
			}
			g, command, err := s.Graph.Replay(r.Index, r.Command)
			if err != nil {
				return err
			}
			before := s.Graph
			s = State{r.AuditMark, g}
			return visit(Step{r.AuditMark, command, before, g})
		})
		if err != nil {
			return s, err
		}
		from = next
	}
	return s, nil
}

// WalkSome walks as Walk does, over limit events at most, and returns where it got to.
func (t *TimeTravel) WalkSome(s State, to uint64, limit int, visit func(Step)) (State, error) {
	_, err := t.Walk(s, to, func(next Step) error {
		if limit == 0 {
			return errEnough
		}
		limit--
		s = State{next.Mark, next.After}
		visit(next)
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return s, err
}

func format(index uint64) string { return strconv.FormatUint(index, 10) }
