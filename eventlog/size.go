package eventlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sort"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// sizeStep is how many bytes of records lie between two size marks, at least. It is the exactness of Size.
const sizeStep = 1 << 20

// markSizes adds the size marks of records that are about to be appended, and returns the total after them. l.edges is held.
func (l *Log) markSizes(b *pebble.Batch, records []record) (total uint64) {
	total = l.total
	for i := range records {
		before := total / sizeStep
		total += uint64(records[i].size())
		if total/sizeStep != before {
			l.setNumber(b, indexed(spanSize, records[i].index), total)
		}
	}
	return total
}

// loadTotal finds the total of the newest entry: the newest mark's, and what lies behind it. What is damaged there is left
// out: it is for its readers to find, and a size is no reason not to start.
func (l *Log) loadTotal() (uint64, error) {
	index, total, err := l.sizeMark(math.MaxUint64)
	if err != nil {
		return 0, err
	}
	_, upper := spanBounds(spanEntry)
	it, err := l.iterate(indexed(spanEntry, index+1), upper)
	if err != nil {
		return 0, err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil && !IsDamage(damaged(err)) {
			return 0, err
		}
		total += uint64(len(v))
	}
	if err := damaged(it.Error()); err != nil && !IsDamage(err) {
		return 0, err
	}
	return total, nil
}

// sizeMark returns the newest mark at or below index, or zeros when there is none.
func (l *Log) sizeMark(index uint64) (at, total uint64, err error) {
	lower, upper := spanBounds(spanSize)
	if index < math.MaxUint64 {
		upper = indexed(spanSize, index+1)
	}
	it, err := l.iterate(lower, upper)
	if err != nil {
		return 0, 0, err
	}
	defer it.Close()
	if !it.Last() {
		return 0, 0, damaged(it.Error())
	}
	return parseSizeMark(it)
}

func parseSizeMark(it *pebble.Iterator) (at, total uint64, err error) {
	at, ok := ParseIndexKey(it.Key()[1:])
	if !ok {
		return 0, 0, fmt.Errorf("eventlog: malformed size key %x", it.Key())
	}
	v, err := it.ValueAndErr()
	if err != nil {
		return 0, 0, damagedEntry(at, err)
	}
	if len(v) != 8 {
		return 0, 0, &CorruptError{Index: at, Reason: fmt.Sprintf("size mark %x", v)}
	}
	return at, binary.BigEndian.Uint64(v), nil
}

// Size is the number of bytes of the retained entries as they are stored. It may be sizeStep and an entry too large.
func (l *Log) Size() (int64, error) {
	if !l.users.enter() {
		return 0, ErrClosed
	}
	defer l.users.leave()
	return l.size()
}

func (l *Log) size() (int64, error) {
	l.mu.RLock()
	floor, total := l.floor, l.total
	l.mu.RUnlock()
	_, below, err := l.sizeMark(floor - 1)
	return int64(total - below), err
}

// SizeBelow is the number of bytes of the retained entries below index, exact to sizeStep and an entry: what raising the
// floor to index frees.
func (l *Log) SizeBelow(index uint64) (int64, error) {
	if !l.users.enter() {
		return 0, ErrClosed
	}
	defer l.users.leave()
	floor := l.Floor()
	if index <= floor {
		return 0, nil
	}
	_, upto, err := l.sizeMark(index - 1)
	if err != nil {
		return 0, err
	}
	_, below, err := l.sizeMark(floor - 1)
	return int64(upto - below), err
}

// FloorForSize returns the lowest floor with which at most limit bytes of entries are retained, at most Applied. It costs a
// step for each sizeStep that it frees, and reads no entry.
func (l *Log) FloorForSize(limit int64) (uint64, error) {
	if !l.users.enter() {
		return 0, ErrClosed
	}
	defer l.users.leave()
	applied := l.Applied()
	l.mu.RLock()
	floor, total := l.floor, l.total
	l.mu.RUnlock()
	if size, err := l.size(); err != nil || size <= limit {
		return floor, err
	}
	it, err := l.iterate(indexed(spanSize, floor), indexed(spanSize, applied))
	if err != nil {
		return floor, err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		at, upto, err := parseSizeMark(it)
		if err != nil {
			return floor, err
		}
		floor = at + 1
		if total-upto <= uint64(limit) {
			break
		}
	}
	return floor, damaged(it.Error())
}

// FloorForAge returns the highest floor, at most Applied, with which no message of time t or later is lost: a batch is below it
// only when all its messages are older than t. Entries without messages go with the batch behind them; those behind the last
// such batch go when they were appended before t.
func (l *Log) FloorForAge(t time.Time) (uint64, error) {
	floor, applied := l.Floor(), l.Applied()
	at, err := l.At(t)
	if err != nil {
		return floor, err
	}
	// What lies between the last old batch and the first young one goes by the time at which it was appended.
	begin, err := l.afterBatch(at)
	if err != nil {
		return floor, err
	}
	begin = max(begin, floor)
	end := min(at, applied)
	if begin >= end {
		return max(min(begin, applied), floor), nil
	}
	var failed error
	n := sort.Search(int(end-begin), func(i int) bool {
		e, err := l.Entry(begin + uint64(i))
		if err != nil && !errors.Is(err, ErrBelowFloor) { // the floor has moved meanwhile: it is old
			failed = errors.Join(failed, err)
		}
		return err == nil && !e.Appended.Before(t)
	})
	return max(begin+uint64(n), floor), failed
}

// afterBatch returns the index after the last batch before index, 0 when there is none.
func (l *Log) afterBatch(index uint64) (uint64, error) {
	if !l.users.enter() {
		return 0, ErrClosed
	}
	defer l.users.leave()
	lower, _ := spanBounds(spanBatch)
	it, err := l.iterate(lower, indexed(spanBatch, index))
	if err != nil {
		return 0, err
	}
	defer it.Close()
	if !it.Last() {
		return 0, damaged(it.Error())
	}
	last, _, err := parseBatchMark(it)
	return last + 1, err
}

// DiskBytes is what the store takes on the disk, all its files together.
func (l *Log) DiskBytes() uint64 {
	if !l.users.enter() {
		return 0
	}
	defer l.users.leave()
	return l.db.Metrics().DiskSpaceUsage()
}

// Reclaimed is how many bytes of entries Reclaim has removed since Open, exact to sizeStep for each call.
func (l *Log) Reclaimed() uint64 { return l.reclaimed.Load() }
