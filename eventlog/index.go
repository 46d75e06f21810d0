package eventlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/entry"
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
	it, err := l.db.iterate(indexed(spanBatch, floor), indexed(spanBatch, end+1))
	if err != nil {
		return 0, err
	}
	defer it.Close()
	want, failed := t.UnixMilli(), error(nil)
	atOrAfter := func(index uint64) (uint64, bool) { // the next batch, and whether it is late enough
		if !it.SeekGE(indexed(spanBatch, index)) {
			failed = errors.Join(failed, it.Error())
			return end + 1, true
		}
		found, mark, err := parseBatchMark(it)
		failed = errors.Join(failed, err)
		return found, mark.time >= want
	}
	n := sort.Search(int(end-floor+1), func(i int) bool {
		_, late := atOrAfter(floor + uint64(i))
		return late
	})
	index, _ := atOrAfter(floor + uint64(n))
	return index, damaged(failed)
}

// PositionAt returns the position of the first message of time t or later, in the sense of IndexAt, or the beginning of
// the entry after Applied when there is none.
func (l *Log) PositionAt(t time.Time) (Position, error) {
	index, err := l.IndexAt(t)
	if err != nil || index > l.Applied() {
		return Position{Index: index}, err
	}
	e, err := l.Entry(index)
	if errors.Is(err, ErrBelowFloor) { // the floor has moved meanwhile
		return Position{Index: l.Floor()}, nil
	}
	if err != nil || e.Kind != entry.KindBatch {
		return Position{Index: index}, err
	}
	h, err := entry.DecodeHeader(e.Data)
	if err != nil {
		return Position{}, &CorruptError{Index: index, Reason: "undecodable", Err: err}
	}
	for i := range h.Runs {
		if h.Runs[i].Time >= t.UnixMilli() {
			return Position{Index: index, Offset: h.Runs[i].First}, nil
		}
	}
	return Position{Index: index}, nil
}

// batchMark is the value of a 'B' key.
type batchMark struct {
	hidden bool
	time   int64 // unix milliseconds, the newest of any batch so far
}

func parseBatchMark(it *pebble.Iterator) (uint64, batchMark, error) {
	index, ok := ParseIndexKey(it.Key()[1:])
	if !ok {
		return 0, batchMark{}, fmt.Errorf("eventlog: malformed batch key %x", it.Key())
	}
	v, err := it.ValueAndErr()
	if err != nil {
		return 0, batchMark{}, damagedEntry(index, err)
	}
	m, err := decodeBatchMark(index, v)
	return index, m, err
}

func decodeBatchMark(index uint64, v []byte) (batchMark, error) {
	if len(v) != 9 || v[0]&^flagHidden != 0 {
		return batchMark{}, corrupt(index, "mark %x", v)
	}
	return batchMark{hidden: v[0]&flagHidden != 0, time: int64(binary.BigEndian.Uint64(v[1:]))}, nil
}

// visible reports whether the entry is a batch that readers show.
func (s *store) visible(index uint64) (bool, error) {
	v, err := s.get(indexed(spanBatch, index))
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	m, err := decodeBatchMark(index, v)
	return err == nil && !m.hidden, err
}
