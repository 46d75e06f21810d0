package eventlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/entry"
)

// Selector selects channels: those named, and those that begin with one of the prefixes. The empty prefix selects all.
type Selector struct {
	Exact    []string
	Prefixes []string
}

// Select returns the selector of patterns: a channel's name, or a prefix with * behind it. "*" selects all channels.
func Select[P ~string](patterns ...P) Selector {
	var sel Selector
	for _, p := range patterns {
		if prefix, ok := strings.CutSuffix(string(p), "*"); ok {
			sel.Prefixes = append(sel.Prefixes, prefix)
		} else {
			sel.Exact = append(sel.Exact, string(p))
		}
	}
	return sel
}

// Next returns, in ascending order, up to limit indexes >= from and <= Applied of visible batches that hold a selected
// channel. Fewer than limit means that there are no more. It costs one seek for each selected channel plus what it
// returns; with the empty prefix, one seek.
func (l *Log) Next(sel Selector, from uint64, limit int) ([]uint64, error) {
	if !l.db.enter() {
		return nil, ErrClosed
	}
	defer l.db.leave()
	// Applied before the floor: the floor then belongs to the same or a later state.
	end := l.Applied()
	from = max(from, l.Floor())
	if limit <= 0 || from > end {
		return nil, nil
	}
	found := smallest{limit: limit, end: end}
	if slices.Contains(sel.Prefixes, "") {
		err := found.collectAll(l.db, from)
		return found.indexes, err
	}
	it, err := l.db.iterate(spanBounds(spanIndex))
	if err != nil {
		return nil, err
	}
	defer it.Close()
	for _, channel := range sel.Exact {
		if err := found.collect(it, channel, from); err != nil {
			return nil, err
		}
	}
	for _, prefix := range sel.Prefixes {
		// The directory says which channels have anything at or after from; to a reader near the end that is few.
		err := l.channels(prefix, func(channel string, newest uint64) error {
			if newest < from {
				return nil
			}
			return found.collect(it, channel, from)
		})
		if err != nil {
			return nil, err
		}
	}
	return found.indexes, nil
}

// smallest collects the limit smallest indexes up to end.
type smallest struct {
	limit   int
	end     uint64
	indexes []uint64 // ascending, at most limit
	fresh   []uint64 // of the channel at hand
}

// bound is the largest index that can still be among the smallest.
func (s *smallest) bound() uint64 {
	if len(s.indexes) == s.limit {
		return s.indexes[s.limit-1]
	}
	return s.end
}

// collect adds a channel's indexes from from on.
func (s *smallest) collect(it *pebble.Iterator, channel string, from uint64) error {
	prefix := channelIndexPrefix(channel)
	bound := s.bound()
	s.fresh = s.fresh[:0]
	for ok := it.SeekGE(binary.BigEndian.AppendUint64(prefix, from)); ok && len(s.fresh) < s.limit; ok = it.Next() {
		k := it.Key()
		if !bytes.HasPrefix(k, prefix) {
			break
		}
		if len(k) != len(prefix)+8 {
			return fmt.Errorf("eventlog: malformed index key %x", k)
		}
		index := binary.BigEndian.Uint64(k[len(prefix):])
		if index > bound {
			break
		}
		s.fresh = append(s.fresh, index)
	}
	if err := it.Error(); err != nil {
		return damaged(err)
	}
	s.merge()
	return nil
}

// merge takes fresh, which is ascending, into indexes: an entry may hold several of the selected channels.
func (s *smallest) merge() {
	if len(s.fresh) == 0 {
		return
	}
	if len(s.indexes) == 0 {
		s.indexes = slices.Clone(s.fresh)
		return
	}
	merged := make([]uint64, 0, min(s.limit, len(s.indexes)+len(s.fresh)))
	a, b := s.indexes, s.fresh
	for len(merged) < s.limit && (len(a) > 0 || len(b) > 0) {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0] < b[0]:
			merged, a = append(merged, a[0]), a[1:]
		case len(a) == 0 || b[0] < a[0]:
			merged, b = append(merged, b[0]), b[1:]
		default:
			merged, a, b = append(merged, a[0]), a[1:], b[1:]
		}
	}
	s.indexes = merged
}

// collectAll adds every visible batch.
func (s *smallest) collectAll(db *store, from uint64) error {
	it, err := db.iterate(indexed(spanBatch, from), indexed(spanBatch, s.end+1))
	if err != nil {
		return err
	}
	defer it.Close()
	for ok := it.First(); ok && len(s.indexes) < s.limit; ok = it.Next() {
		index, mark, err := parseBatchMark(it)
		if err != nil {
			return err
		}
		if !mark.hidden {
			s.indexes = append(s.indexes, index)
		}
	}
	return damaged(it.Error())
}

// channels calls fn, in byte order, for each channel that begins with prefix and has a message at or above the floor,
// with the newest index that holds one. It ends with fn's first error.
func (l *Log) channels(prefix string, fn func(channel string, newest uint64) error) error {
	floor := l.Floor()
	lower := channelKey(prefix)
	return l.db.scan(lower, after(lower), func(k, v []byte) error {
		if len(v) != 8 {
			return corrupt(0, "directory of channel %q has %d bytes", k[1:], len(v))
		}
		newest := binary.BigEndian.Uint64(v)
		if newest < floor {
			return nil
		}
		return fn(string(k[1:]), newest)
	})
}

// IndexAt returns the first index >= Floor of a batch with a message of time t or later, or the index after Applied
// when there is none. Where clocks were set back, the times after that count as the highest before it.
func (l *Log) IndexAt(t time.Time) (uint64, error) {
	if !l.db.enter() {
		return 0, ErrClosed
	}
	defer l.db.leave()
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
