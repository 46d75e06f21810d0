package eventlog

import (
	"errors"
	"sort"
	"time"

	"hpfriends/eventlog/cold"
	"hpfriends/eventlog/layout"
)

// IndexAt returns the first index >= Floor of a batch with a message of time t or later, or the index after Applied
// when there is none. Where clocks were set back, the times after that count as the highest before it.
func (l *Log) IndexAt(t time.Time) (uint64, error) {
	if !l.db.Enter() {
		return 0, ErrClosed
	}
	defer l.db.Leave()
	end, floor := l.Applied(), l.Floor()
	if floor > end {
		return end + 1, nil
	}
	snapshot := l.db.NewSnapshot()
	defer snapshot.Close()
	if floor <= l.db.frozen.Load() {
		index, next, err := cold.Blocks{Reader: snapshot}.FirstAt(floor, t.UnixMilli())
		if err != nil || index != 0 {
			return index, layout.DamagedBlock(0, err)
		}
		if floor = max(floor, next); floor > end {
			return end + 1, nil
		}
	}
	it, err := layout.Iterate(snapshot, layout.Indexed(layout.SpanBatch, floor), layout.Indexed(layout.SpanBatch, end+1))
	if err != nil {
		return 0, err
	}
	defer it.Close()
	want, failed := t.UnixMilli(), error(nil)
	atOrAfter := func(index uint64) (uint64, bool) { // the next batch, and whether it is late enough
		if !it.SeekGE(layout.Indexed(layout.SpanBatch, index)) {
			failed = errors.Join(failed, it.Error())
			return end + 1, true
		}
		found, mark, err := layout.ParseBatchMark(it)
		failed = errors.Join(failed, err)
		return found, mark.Time >= want
	}
	n := sort.Search(int(end-floor+1), func(i int) bool {
		_, late := atOrAfter(floor + uint64(i))
		return late
	})
	index, _ := atOrAfter(floor + uint64(n))
	return index, layout.Damaged(failed)
}

// PositionAt returns the position of the first message of time t or later, in the sense of IndexAt, or the beginning of
// the entry after Applied when there is none.
func (l *Log) PositionAt(t time.Time) (Position, error) {
	index, err := l.IndexAt(t)
	if err != nil || index > l.Applied() {
		return Position{Index: index}, err
	}
	h, err := l.Header(index)
	if errors.Is(err, ErrBelowFloor) { // the floor has moved meanwhile
		return Position{Index: l.Floor()}, nil
	}
	if err != nil {
		return Position{Index: index}, err
	}
	for i := range h.Runs {
		if h.Runs[i].Time >= t.UnixMilli() {
			return Position{Index: index, Offset: h.Runs[i].First}, nil
		}
	}
	return Position{Index: index}, nil
}

// visible reports whether the entry is a batch that readers show.
func (s *store) visible(index uint64) (bool, error) {
	m, err := s.batchMark(index)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil && !m.Hidden, err
}
