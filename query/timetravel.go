package query

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
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
	log    *eventlog.Log
	newest func() *graph.Graph // which is not rebuilt; nil: it is
	every  uint64              // events between two waypoints
	keep   int                 // waypoints
	now    func() time.Time
	flight singleflight.Group // by index

	mu        sync.Mutex
	waypoints []*waypoint // by index
	uses      uint64
}

// state is the graph as of an audit event.
type state struct {
	mark  eventlog.AuditMark
	graph *graph.Graph
}

// waypoint is a state that is kept in memory. Graphs of one history share what did not change, so it costs what does.
type waypoint struct {
	state
	used uint64 // when, in uses
}

// step is one event: the command, and the graph before and after it.
type step struct {
	mark          eventlog.AuditMark
	command       graph.Command
	before, after *graph.Graph
}

const (
	waypointEvery = 1024
	waypointsKept = 64
	portion       = 512 // events read with one iterator
)

// NewTimeTravel returns a TimeTravel on a log, which may be in use by a node or closed to all others.
func NewTimeTravel(log *eventlog.Log) *TimeTravel {
	return &TimeTravel{log: log, every: waypointEvery, keep: waypointsKept, now: time.Now}
}

// GraphAt is the graph after the newest change at or before index.
func (t *TimeTravel) GraphAt(index uint64) (*graph.Graph, error) {
	s, err := t.at(index)
	return s.graph, err
}

// resolve finds where a point falls among the changes.
func (t *TimeTravel) resolve(at Point) (cut, error) {
	switch {
	case !at.given:
		newest, err := t.log.Audit().Newest()
		return cut{newest.Index, newest.Index}, err
	case at.Time.IsZero():
		mark, err := t.log.Audit().Before(at.Index)
		return cut{mark.Index, mark.Index}, err
	}
	return t.cutAt(at.Time)
}

// version names a state by its newest change.
func (t *TimeTravel) version(s state) (view.Version, error) {
	v := view.Version{Position: "#" + formatIndex(s.mark.Index)}
	if s.mark.Index == 0 {
		return v, nil
	}
	r, err := t.log.Audit().Event(s.mark.Index)
	if err != nil {
		return v, err
	}
	stamped, err := stampOf(r)
	v.Time = optional(stamped)
	return v, err
}

func (t *TimeTravel) at(index uint64) (state, error) {
	target, err := t.log.Audit().Before(index)
	if err != nil {
		return state{}, err
	}
	if t.newest != nil {
		if g := t.newest(); g.Index() == target.Index {
			return state{target, g}, nil
		}
	}
	found, err, _ := t.flight.Do(formatIndex(target.Index), func() (any, error) {
		s, err := t.nearest(target)
		if err == nil {
			s, err = t.rebuild(s, target, nil)
		}
		if err == nil {
			t.note(s)
		}
		return s, err
	})
	s, _ := found.(state)
	return s, err
}

// below is a state before index, and not far before it: what is between is walked in one go.
func (t *TimeTravel) below(index uint64) (state, error) {
	if index == 0 {
		return state{graph: graph.New()}, nil
	}
	target, err := t.log.Audit().Before(index - 1)
	if err != nil {
		return state{}, err
	}
	s, err := t.nearest(target)
	if err != nil || target.Number-s.mark.Number <= t.every {
		return s, err
	}
	last := s
	_, err = t.rebuild(s, target, func(s state) { last = s })
	return last, err
}

// nearest is the state at or below target from which the fewest events lead there. Decoding a stored graph costs about
// as much as many events, so a waypoint that is not much further away is better.
func (t *TimeTravel) nearest(target eventlog.AuditMark) (state, error) {
	best := t.passed(target)
	if target.Number-best.mark.Number <= t.every {
		return best, nil
	}
	stored, data, ok, err := t.log.StoredGraphs().Newest(target.Index)
	if err != nil || !ok || stored.Number <= best.mark.Number+4*t.every {
		return best, err
	}
	g := new(graph.Graph)
	if err := g.UnmarshalBinary(data); err != nil {
		return best, fmt.Errorf("query: stored graph #%d: %w", stored.Index, err)
	}
	return state{stored.AuditMark, g}, nil
}

// passed is the waypoint at target, or the last before it.
func (t *TimeTravel) passed(target eventlog.AuditMark) state {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, found := t.find(target.Index)
	if found {
		i++
	}
	if i == 0 {
		return state{graph: graph.New()}
	}
	t.uses++
	t.waypoints[i-1].used = t.uses
	return t.waypoints[i-1].state
}

// find is where a waypoint is, or belongs. The caller holds mu.
func (t *TimeTravel) find(index uint64) (i int, found bool) {
	return slices.BinarySearchFunc(t.waypoints, index, func(w *waypoint, index uint64) int {
		return cmp.Compare(w.mark.Index, index)
	})
}

// rebuild walks on to target and leaves waypoints. laid, if not nil, is told of each.
func (t *TimeTravel) rebuild(s state, target eventlog.AuditMark, laid func(state)) (state, error) {
	if s.mark.Index >= target.Index {
		return s, nil
	}
	end, err := t.walk(s, target.Index, func(s step) error {
		if s.mark.Number%t.every == 0 && s.mark.Index < target.Index {
			way := state{s.mark, s.after}
			t.note(way)
			if laid != nil {
				laid(way)
			}
		}
		return nil
	})
	if err == nil && end.mark != target {
		err = fmt.Errorf("query: the audit event #%d is gone: run `hpfriends audit verify`", target.Index)
	}
	return end, err
}

// note keeps a state for later, and drops the one that was not used for longest when there are too many.
func (t *TimeTravel) note(s state) {
	if s.mark.Index == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.uses++
	i, found := t.find(s.mark.Index)
	if found {
		t.waypoints[i].used = t.uses
		return
	}
	t.waypoints = slices.Insert(t.waypoints, i, &waypoint{s, t.uses})
	if len(t.waypoints) <= t.keep {
		return
	}
	oldest := 0
	for i, w := range t.waypoints {
		if w.used < t.waypoints[oldest].used {
			oldest = i
		}
	}
	t.waypoints = slices.Delete(t.waypoints, oldest, oldest+1)
}

// walk applies the events after s up to the log index to, and shows each to visit, whose error ends it.
func (t *TimeTravel) walk(s state, to uint64, visit func(step) error) (state, error) {
	for from := s.mark.Index + 1; from != 0 && from <= to; {
		next, err := t.log.Audit().Scan(from, portion, func(r eventlog.AuditRecord) error {
			if r.Index > to {
				return nil
			}
			if err := s.mark.Check(r); err != nil {
				return err
			}
			g, command, err := s.graph.Replay(r.Index, r.Command)
			if err != nil {
				return err
			}
			before := s.graph
			s = state{r.AuditMark, g}
			return visit(step{r.AuditMark, command, before, g})
		})
		if err != nil {
			return s, err
		}
		from = next
	}
	return s, nil
}

// walkSome walks as walk does, over limit events at most, and returns where it got to.
func (t *TimeTravel) walkSome(s state, to uint64, limit int, visit func(step)) (state, error) {
	_, err := t.walk(s, to, func(next step) error {
		if limit == 0 {
			return errEnough
		}
		limit--
		s = state{next.mark, next.after}
		visit(next)
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return s, err
}
