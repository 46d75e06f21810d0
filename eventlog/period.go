package eventlog

import (
	"errors"
	"sort"
	"time"

	"hpfriends/eventlog/entry"
)

// ClockSlack is how far the clocks of a cluster's nodes may be apart. A node that knows better bounds its stamps by it.
const ClockSlack = time.Minute

// Period selects messages by their own times: at or after Since, before Until. A zero time is no bound.
//
// The marks of time in the log never fall, so that one message stamped by a wrong clock lifts all marks behind it.
// They serve to find where reading begins and ends; what is shown is what the Period holds.
type Period struct{ Since, Until time.Time }

// Holds reports whether a message of that time (Unix milliseconds) is in the period.
func (p Period) Holds(millis int64) bool {
	return (p.Since.IsZero() || millis >= p.Since.UnixMilli()) && !p.Ended(millis)
}

// Ended reports whether a message of that time (Unix milliseconds) is after the period.
func (p Period) Ended(millis int64) bool { return !p.Until.IsZero() && millis >= p.Until.UnixMilli() }

const (
	witnesses = 16 // batches behind a mark that must agree with it
	lifted    = 16 // marks that may disagree before the log's end is taken
)

// EndAt returns a position behind which no message is older than t, unless it was stamped by a clock that was more than
// ClockSlack behind. A mark that the batches behind it contradict was lifted by a clock that was ahead; then the next
// higher one is taken, or the end of the log.
func (l *Log) EndAt(t time.Time) (Position, error) {
	at, err := l.PositionAt(t.Add(ClockSlack))
	for range lifted {
		if err != nil || at.Index > l.Applied() {
			return at, err
		}
		mark, agreed, err := l.agreed(at, t)
		if agreed || err != nil {
			return at, err
		}
		if at, err = l.PositionAt(time.UnixMilli(mark + 1)); err != nil {
			return at, err
		}
	}
	return Position{Index: l.Applied() + 1}, nil
}

// StartAt returns the index from which on messages are of t or later, where whole entries are counted. It is IndexAt
// if the batches behind that mark agree with it to ClockSlack. Else the mark was lifted, and among the batches that
// share it the first one of t or later is looked for by their own times.
func (l *Log) StartAt(t time.Time) (uint64, error) {
	first, err := l.IndexAt(t)
	at := first
	for range lifted {
		if err != nil || at > l.Applied() {
			break
		}
		mark, agreed, err := l.agreed(Position{Index: at}, t.Add(-ClockSlack))
		if agreed || err != nil {
			return at, err
		}
		next, err := l.IndexAt(time.UnixMilli(mark + 1))
		if err != nil {
			return 0, err
		}
		if own, err := l.ownStart(at+1, next, t); own < next || err != nil {
			return own, err
		}
		at = next
	}
	return first, err
}

// ownStart returns the first index in [from, to) of a batch that is of t or later by its own time, or to. The times of
// the batches rise, but for what clocks differ.
func (l *Log) ownStart(from, to uint64, t time.Time) (uint64, error) {
	var failed error
	n := sort.Search(int(to-min(from, to)), func(i int) bool {
		indexes, err := l.Next(Select("*"), from+uint64(i), 1)
		if err != nil || len(indexes) == 0 || indexes[0] >= to {
			failed = errors.Join(failed, err)
			return true
		}
		h, err := headerOf(l, indexes[0])
		failed = errors.Join(failed, err)
		return h.Time() >= t.UnixMilli()
	})
	return min(from, to) + uint64(n), failed
}

// headerOf reads what a batch says of its runs. Below the floor it is empty: very old.
func headerOf(l *Log, index uint64) (h entry.Header, err error) {
	h, err = l.Header(index)
	if errors.Is(err, ErrBelowFloor) { // the floor has moved meanwhile
		return entry.Header{}, nil
	}
	return h, err
}

// agreed returns the mark of the batch at a position, and whether neither what follows in it nor the batches next to it
// hold a message older than t.
func (l *Log) agreed(at Position, t time.Time) (mark int64, ok bool, err error) {
	mark, err = markOf(l, at.Index)
	if errors.Is(err, ErrNotFound) { // the floor has moved meanwhile
		return 0, true, nil
	}
	if err != nil {
		return 0, false, err
	}
	indexes, err := l.Next(Select("*"), at.Index, 1+witnesses)
	if err != nil {
		return 0, false, err
	}
	for _, index := range indexes {
		h, err := headerOf(l, index)
		if err != nil {
			return 0, false, err
		}
		for i := range h.Runs {
			r := &h.Runs[i]
			if at.Compare(Position{Index: index, Offset: r.First}) <= 0 && r.Time < t.UnixMilli() {
				return mark, false, nil
			}
		}
	}
	return mark, true, nil
}

// markOf returns the mark of time of the batch at index, Unix milliseconds.
func markOf(l *Log, index uint64) (int64, error) {
	if !l.db.Enter() {
		return 0, ErrClosed
	}
	defer l.db.Leave()
	m, err := l.db.batchMark(index)
	return m.Time, err
}
