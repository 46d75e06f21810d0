package eventlog

import (
	"errors"

	"hpfriends/eventlog/cold"
	"hpfriends/eventlog/entry"
	"hpfriends/eventlog/layout"
)

// marksAtOnce bounds how long ScanChanges holds an iterator.
const marksAtOnce = 4096

// ScanChanges calls fn for the applied entries of entry.KindChange in [from, to] that the log still holds, accepted or
// refused, in order. It does not read batches: what has no mark of a batch is something else. It may run beside
// everything.
func (l *Log) ScanChanges(from, to uint64, fn func(Entry) error) error {
	to = min(to, l.Applied())
	for from = max(from, l.Floor()); from <= to; {
		others, next, err := l.db.others(from, to)
		if err != nil {
			return err
		}
		for _, index := range others {
			e, err := l.Entry(index)
			if errors.Is(err, ErrBelowFloor) {
				continue // retention went on meanwhile
			}
			if err != nil {
				return err
			}
			if e.Kind == entry.KindChange {
				if err := fn(e); err != nil {
					return err
				}
			}
		}
		from = next
	}
	return nil
}

// others returns the indexes from from on that are no batches, and where to go on.
func (s *store) others(from, to uint64) (indexes []uint64, next uint64, err error) {
	if !s.Enter() {
		return nil, 0, ErrClosed
	}
	defer s.Leave()
	snapshot := s.NewSnapshot()
	defer snapshot.Close()
	if from <= s.frozen.Load() {
		indexes, next, err = coldOthers(cold.Blocks{Reader: snapshot}, from, to)
		if err != nil || next > from {
			return indexes, next, err
		}
	}
	it, err := layout.Iterate(snapshot, layout.Indexed(layout.SpanBatch, from), layout.Indexed(layout.SpanBatch, to+1))
	if err != nil {
		return nil, 0, err
	}
	defer it.Close()
	next = from
	upTo := func(end uint64) bool { // those before end, as many as fit
		for ; next < end && len(indexes) < marksAtOnce; next++ {
			indexes = append(indexes, next)
		}
		return next == end
	}
	marks := 0
	for ok := it.First(); ok; ok = it.Next() {
		index, valid := ParseIndexKey(it.Key()[1:])
		if !valid {
			return nil, 0, layout.Inconsistent(next, "batch mark %x", it.Key())
		}
		if !upTo(index) {
			return indexes, next, nil
		}
		next = index + 1
		if marks++; marks == marksAtOnce {
			return indexes, next, nil
		}
	}
	upTo(to + 1)
	return indexes, next, layout.Damaged(it.Error())
}

// coldOthers is others in the block that holds the entry from; next is from when no block does.
func coldOthers(blocks cold.Blocks, from, to uint64) (indexes []uint64, next uint64, err error) {
	h, ok, err := blocks.At(from)
	if err != nil || !ok {
		return nil, from, layout.DamagedBlock(from, err)
	}
	marks, err := blocks.Marks(&h)
	if err != nil {
		return nil, from, layout.DamagedBlock(from, err)
	}
	for next = from; next <= min(h.Last, to) && len(indexes) < marksAtOnce; next++ {
		if !marks[next-h.First].Batch {
			indexes = append(indexes, next)
		}
	}
	return indexes, next, nil
}
