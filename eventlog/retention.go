package eventlog

import (
	"errors"
	"io"
	"sort"
	"time"

	"hpfriends/eventlog/cold"
	"hpfriends/eventlog/layout"
)

// Retention measures the retained log, finds floors for it, and frees the space of what lies below its floor.
type Retention struct{ log *Log }

// Retention returns the retention of the log.
func (l *Log) Retention() Retention { return Retention{l} }

// Size returns the number of bytes of the retained entries as they are stored. It may be sizeStep and an entry, or a
// block, too large.
func (r Retention) Size() (int64, error) {
	if !r.log.db.Enter() {
		return 0, ErrClosed
	}
	defer r.log.db.Leave()
	return r.size()
}

func (r Retention) size() (int64, error) {
	r.log.mu.RLock()
	floor, total := r.log.floor, r.log.total
	r.log.mu.RUnlock()
	below, blocks, err := r.below(floor)
	return int64(total-below) + int64(blocks), err
}

// below returns the total at the first entry from floor on that no block holds, and how much the blocks take that do
// not lie below floor.
func (r Retention) below(floor uint64) (total, blocks uint64, err error) {
	last, err := r.log.db.blocks().Last()
	if err != nil {
		return 0, 0, layout.DamagedBlock(0, err)
	}
	_, total, err = r.log.db.sizeMark(max(floor-1, last.Last))
	if err == nil && last.Last >= floor {
		err = r.log.db.blocks().Each(floor, func(first cold.Head) error {
			blocks = last.Total - first.Total + first.Stored
			return io.EOF
		})
	}
	return total, blocks, layout.DamagedBlock(0, err)
}

// SizeBelow returns the number of bytes of the retained entries below index, exact to sizeStep and an entry: what
// raising the floor to index frees.
func (r Retention) SizeBelow(index uint64) (int64, error) {
	if !r.log.db.Enter() {
		return 0, ErrClosed
	}
	defer r.log.db.Leave()
	floor := r.log.Floor()
	if index <= floor {
		return 0, nil
	}
	upto, left, err := r.below(index)
	if err != nil {
		return 0, err
	}
	below, blocks, err := r.below(floor)
	return int64(upto-below) + int64(blocks-left), err
}

// FloorForSize returns the lowest floor with which at most limit bytes of entries are retained, at most Applied. It
// costs a step for each sizeStep that it frees, and reads no entry. Of what is in blocks whole ones go.
func (r Retention) FloorForSize(limit int64) (uint64, error) {
	if !r.log.db.Enter() {
		return 0, ErrClosed
	}
	defer r.log.db.Leave()
	applied := r.log.Applied()
	r.log.mu.RLock()
	floor, total := r.log.floor, r.log.total
	r.log.mu.RUnlock()
	size, err := r.size()
	if err != nil || size <= limit {
		return floor, err
	}
	err = r.log.db.blocks().Each(floor, func(h cold.Head) error {
		if size <= limit {
			return io.EOF
		}
		size, floor = size-int64(h.Stored), h.Last+1
		return nil
	})
	if err != nil || size <= limit {
		return floor, layout.DamagedBlock(0, err)
	}
	it, err := r.log.db.iterate(layout.Indexed(layout.SpanSize, floor), layout.Indexed(layout.SpanSize, applied))
	if err != nil {
		return floor, err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		at, upto, err := layout.ParseSizeMark(it)
		if err != nil {
			return floor, err
		}
		floor = at + 1
		if total-upto <= uint64(limit) {
			break
		}
	}
	return floor, layout.Damaged(it.Error())
}

// AgeSearch is how far FloorForAge has looked at batches one by one, for the next call. The zero value has seen none.
type AgeSearch struct {
	t    int64  // of that call
	next uint64 // the first index not looked at
	old  uint64 // the index behind the last batch that is old
}

// ageSteps bounds how many batches one call looks at.
const ageSteps = 256

// FloorForAge returns the highest floor, at most Applied, with which no message from t to now is lost: a batch is below
// it only when all its messages are older than t by their own times. Entries without messages go with the batch behind
// them; those behind the last such batch go when they were appended before t. A batch with a message of after now is of
// a clock that was wrong: it goes as they do. Behind it, where the marks are lifted, batches are looked at one by one,
// some in each call: the floor may be too low then, and rises with further calls.
func (r Retention) FloorForAge(s *AgeSearch, t, now time.Time) (uint64, error) {
	floor, applied := r.log.Floor(), r.log.Applied()
	begin, at, err := r.searchAge(s, t, now.Add(ClockSlack))
	if err != nil {
		return floor, err
	}
	// What lies between the last old batch and the first young one goes by the time at which it was appended.
	begin = max(begin, floor)
	end := min(at, applied)
	if begin >= end {
		return max(min(begin, applied), floor), nil
	}
	var failed error
	n := sort.Search(int(end-begin), func(i int) bool {
		e, err := r.log.Entry(begin + uint64(i))
		if err != nil && !errors.Is(err, ErrBelowFloor) { // the floor has moved meanwhile: it is old
			failed = errors.Join(failed, err)
		}
		return err == nil && !e.Appended.Before(t)
	})
	return max(begin+uint64(n), floor), failed
}

// searchAge returns the index behind the last batch that is old, and that of the first one that is not, or where it
// stopped. The marks say which batches are certainly old.
func (r Retention) searchAge(s *AgeSearch, t, end time.Time) (old, next uint64, err error) {
	seek, err := r.log.IndexAt(t)
	if err != nil {
		return 0, 0, err
	}
	if t.UnixMilli() < s.t || s.next <= seek {
		if s.old, err = r.afterBatch(seek); err != nil {
			return 0, 0, err
		}
		s.next = seek
	}
	s.t = t.UnixMilli()
	for range ageSteps {
		found, err := r.log.Next(Select("*"), s.next, 1)
		if err != nil || len(found) == 0 {
			return s.old, r.log.Applied() + 1, err
		}
		h, err := headerOf(r.log, found[0])
		if err != nil {
			return 0, 0, err
		}
		old := true
		for i := range h.Runs {
			at := h.Runs[i].Time
			if t.UnixMilli() <= at && at <= end.UnixMilli() {
				return s.old, found[0], nil
			}
			old = old && at < t.UnixMilli()
		}
		if s.next = found[0] + 1; old {
			s.old = s.next
		}
	}
	return s.old, s.next, nil
}

// afterBatch returns the index after the last batch before index, 0 when there is none.
func (r Retention) afterBatch(index uint64) (uint64, error) {
	found, err := r.log.Lookup(Lookup{Selector: Select("*"), End: index, Limit: 1, Newest: true})
	if err != nil || len(found.Indexes) == 0 {
		return 0, err
	}
	return found.Indexes[0] + 1, nil
}

// Reclaimed returns how many bytes of entries Reclaim has removed since Open, exact to sizeStep for each call.
func (r Retention) Reclaimed() uint64 { return r.log.reclaimed.Load() }
