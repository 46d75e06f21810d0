package past

import (
	"cmp"
	"context"
	"slices"
	"time"

	"hpfriends/graph"
	"hpfriends/internal/timespec"
)

// What is kept of the past: waypoints, of which the one that was not used for longest makes room, and milestones, which
// Survey sets along the whole history. With these, no moment is more than 2,048 events away from a graph that is in
// memory, up to 192 times 2,048 of them; then 4,096, and so on. Each holds what the changes up to it have replaced.

// passed is the waypoint at target, or the last before it.
func (t *TimeTravel) passed(index uint64) State {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, found := t.find(index)
	if found {
		i++
	}
	if i == 0 {
		return State{Graph: graph.New()}
	}
	t.uses++
	t.waypoints[i-1].used = t.uses
	return t.waypoints[i-1].State
}

// find is where a waypoint is, or belongs. The caller holds mu.
func (t *TimeTravel) find(index uint64) (i int, found bool) {
	return slices.BinarySearchFunc(t.waypoints, index, func(w *waypoint, index uint64) int {
		return cmp.Compare(w.Mark.Index, index)
	})
}

// note keeps a state for later, and drops the one that was not used for longest when there are too many.
func (t *TimeTravel) note(s State, milestone bool) {
	if s.Mark.Index == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.uses++
	i, found := t.find(s.Mark.Index)
	if found {
		t.waypoints[i].used = t.uses
		if milestone { // what it shares with the milestone before it takes no memory
			t.waypoints[i].State, t.waypoints[i].milestone = s, true
		}
		return
	}
	t.waypoints = slices.Insert(t.waypoints, i, &waypoint{s, t.uses, milestone})
	if milestone {
		t.thin()
		return
	}
	oldest, others := -1, 0
	for i, w := range t.waypoints {
		if w.milestone {
			continue
		}
		if others++; oldest < 0 || w.used < t.waypoints[oldest].used {
			oldest = i
		}
	}
	if others > t.config.Waypoints {
		t.waypoints = slices.Delete(t.waypoints, oldest, oldest+1)
	}
}

// thin drops every second milestone when there are too many. The caller holds mu.
func (t *TimeTravel) thin() {
	many := 0
	for _, w := range t.waypoints {
		if w.milestone {
			many++
		}
	}
	if many <= t.config.Milestones {
		return
	}
	t.every *= 2
	t.waypoints = slices.DeleteFunc(t.waypoints, func(w *waypoint) bool {
		return w.milestone && w.Mark.Number%t.every != 0
	})
}

// spacing is how many events are between two milestones.
func (t *TimeTravel) spacing() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.every
}

// How Survey takes it easy: it rests for three times as long as it has worked, and looks for new events now and then.
const (
	surveyRest = 3
	surveyLook = 10 * time.Second
)

// Survey sets milestones along the history while there is room, and goes on as it grows, until ctx is done. What is
// wrong with the history ends it: whoever asks for that part is told.
func (t *TimeTravel) Survey(ctx context.Context, room func() bool) {
	at := State{Graph: graph.New()}
	for ctx.Err() == nil {
		begun := time.Now()
		next, err := t.survey(at, room)
		if err != nil {
			return
		}
		pause := surveyRest * time.Since(begun)
		if next.Mark == at.Mark {
			pause = surveyLook
		}
		at = next
		_ = timespec.Sleep(ctx, pause)
	}
}

// survey takes one step: to the next milestone or towards it. A history that does not reach it is left alone.
func (t *TimeTravel) survey(at State, room func() bool) (State, error) {
	every := t.spacing()
	next := at.Mark.Number - at.Mark.Number%every + every
	newest, err := t.log.Audit().Newest()
	if err != nil || newest.Number < next {
		return at, err
	}
	at, err = t.WalkSome(at, newest.Index, int(min(next-at.Mark.Number, Portion)), func(Step) {})
	if err == nil && at.Mark.Number == next && room() {
		t.note(at, true)
	}
	return at, err
}
