package eventlog

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"
)

// sizeStep is how many bytes of records lie between two size marks, at least. It is the exactness of Size.
const sizeStep = 1 << 20

// markSizes adds the size marks of records that are about to be appended behind total bytes, and returns the total
// after them.
func (s *store) markSizes(b *pebble.Batch, records []record, total uint64) uint64 {
	for i := range records {
		before := total / sizeStep
		total += uint64(records[i].size())
		if total/sizeStep != before {
			s.setNumber(b, indexed(spanSize, records[i].index), total)
		}
	}
	return total
}

// totalBytes finds the total of the newest entry: the newest mark's, and what lies behind it. What is damaged there is
// left out: it is for its readers to find, and a size is no reason not to start.
func (s *store) totalBytes() (uint64, error) {
	index, total, err := s.sizeMark(math.MaxUint64)
	if err != nil {
		return 0, err
	}
	_, upper := spanBounds(spanEntry)
	it, err := s.iterate(indexed(spanEntry, index+1), upper)
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
func (s *store) sizeMark(index uint64) (at, total uint64, err error) {
	lower, upper := spanBounds(spanSize)
	if index < math.MaxUint64 {
		upper = indexed(spanSize, index+1)
	}
	it, err := s.iterate(lower, upper)
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
		return 0, 0, corrupt(at, "size mark %x", v)
	}
	return at, binary.BigEndian.Uint64(v), nil
}
