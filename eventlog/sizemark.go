package eventlog

import (
	"math"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/layout"
)

// sizeStep is how many bytes of records lie between two size marks, at least. It is the exactness of Size.
const sizeStep = 1 << 20

// markSizes adds the size marks of records that are about to be appended behind total bytes, and returns the total
// after them.
func (s *store) markSizes(b *pebble.Batch, records []layout.Record, total uint64) uint64 {
	for i := range records {
		before := total / sizeStep
		total += uint64(records[i].Size())
		if total/sizeStep != before {
			s.setNumber(b, layout.Indexed(layout.SpanSize, records[i].Index), total)
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
	_, upper := layout.SpanBounds(layout.SpanEntry)
	it, err := s.iterate(layout.Indexed(layout.SpanEntry, index+1), upper)
	if err != nil {
		return 0, err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil && !IsDamage(layout.Damaged(err)) {
			return 0, err
		}
		total += uint64(len(v))
	}
	if err := layout.Damaged(it.Error()); err != nil && !IsDamage(err) {
		return 0, err
	}
	return total, nil
}

// sizeMark returns the newest mark at or below index, or zeros when there is none.
func (s *store) sizeMark(index uint64) (at, total uint64, err error) {
	lower, upper := layout.SpanBounds(layout.SpanSize)
	if index < math.MaxUint64 {
		upper = layout.Indexed(layout.SpanSize, index+1)
	}
	it, err := s.iterate(lower, upper)
	if err != nil {
		return 0, 0, err
	}
	defer it.Close()
	if !it.Last() {
		return 0, 0, layout.Damaged(it.Error())
	}
	return layout.ParseSizeMark(it)
}
