package eventlog

import (
	"errors"
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

// agreed returns the mark of the batch at a position, and whether neither what follows in it nor the batches next to it
// hold a message older than t.
func (l *Log) agreed(at Position, t time.Time) (mark int64, ok bool, err error) {
	mark, err = l.mark(at.Index)
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
		e, err := l.Entry(index)
		if errors.Is(err, ErrBelowFloor) { // the floor has moved meanwhile
			continue
		}
		if err != nil {
			return 0, false, err
		}
		h, err := entry.DecodeHeader(e.Data)
		if err != nil {
			return 0, false, &CorruptError{Index: index, Reason: "undecodable", Err: err}
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

// mark returns the mark of time of the batch at index, Unix milliseconds.
func (l *Log) mark(index uint64) (int64, error) {
	if !l.db.enter() {
		return 0, ErrClosed
	}
	defer l.db.leave()
	v, err := l.db.get(indexed(spanBatch, index))
	if err != nil {
		return 0, err
	}
	m, err := decodeBatchMark(index, v)
	return m.time, err
}
