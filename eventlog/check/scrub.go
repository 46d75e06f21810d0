package check

import (
	"bytes"
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/cold"
	"hpfriends/eventlog/layout"
)

// Piece is what one call of Scrub has read.
type Piece struct {
	Next  []byte // where to go on; nil: the end of the store was reached
	Bytes int64  // of keys and values
}

// Scrub is what Log.Scrub does, of a snapshot.
func Scrub(ctx context.Context, snapshot *pebble.Snapshot, from []byte, budget int64) (Piece, error) {
	s := scrub{Reader: Reader{ctx: ctx, snapshot: snapshot}}
	if err := s.load(); err != nil {
		return Piece{}, err
	}
	s.seek(from)
	err := s.read(budget)
	if err != nil && ctx.Err() != nil {
		return Piece{}, ctx.Err()
	}
	return s.Piece, err
}

// scrub is one run of Scrub.
type scrub struct {
	Piece
	Reader
	from   []byte // of the key at hand
	want   uint64 // the next entry
	marked int64  // time of the last batch mark
}

// seek sets where to begin. Entries below the floor are nobody's any more, and half of them may be gone.
func (s *scrub) seek(from []byte) {
	s.want = s.begin()
	if index, ok := layout.EntryIndex(from); ok {
		s.want = max(index, s.want)
	}
	if s.from = from; s.from == nil {
		s.from = []byte{0}
	}
}

func (s *scrub) read(budget int64) (err error) {
	it, err := layout.Iterate(s.snapshot, s.from, nil)
	if err != nil {
		return err
	}
	defer it.Close()
	defer func() { err = errors.Join(err, s.beside.end()) }()
	ok := it.First()
	for ok && s.Bytes < budget {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		if index, entry := layout.EntryIndex(it.Key()); entry && index < s.Floor {
			ok = it.SeekGE(layout.Indexed(layout.SpanEntry, s.Floor))
			continue
		}
		if span := it.Key()[0]; span == cold.SpanMarks || span == cold.SpanPart { // read with their heads
			ok = it.SeekGE([]byte{span + 1})
			continue
		}
		if err := s.key(it); err != nil {
			return err
		}
		ok = it.Next()
	}
	if ok {
		s.Next = bytes.Clone(it.Key())
		if s.from[0] <= layout.SpanEntry && s.Next[0] >= layout.SpanEntry && s.want <= s.Applied {
			s.Next = layout.Indexed(layout.SpanEntry, s.want) // which may be missing
		}
		return nil
	}
	if err := it.Error(); err != nil {
		s.skip()
		return layout.DamagedEntry(s.suspect(), err)
	}
	s.Next = nil
	return s.endOfEntries(nil)
}

// suspect is the entry that comes next, if the iterator is among entries.
func (s *scrub) suspect() uint64 {
	if s.from[0] == layout.SpanEntry {
		return s.want
	}
	return 0
}

// skip goes on behind what cannot be read: with the entry after it, or with the next span.
func (s *scrub) skip() {
	switch {
	case s.from[0] == layout.SpanEntry && s.want < max(s.Applied, s.Floor):
		s.Next = layout.Indexed(layout.SpanEntry, s.want+1)
	case s.from[0] == 0xff:
		s.Next = nil
	default:
		s.Next = []byte{s.from[0] + 1}
	}
}

// key checks one key. On an error Next is behind it.
func (s *scrub) key(it *pebble.Iterator) error {
	k := it.Key()
	if err := s.endOfEntries(k); err != nil {
		return err
	}
	s.from = append(s.from[:0:0], k...)
	s.Next = append(bytes.Clone(k), 0)
	v, err := it.ValueAndErr()
	if err != nil {
		index, _ := layout.EntryIndex(k)
		return layout.DamagedEntry(index, err)
	}
	s.Bytes += int64(len(k) + len(v))
	switch k[0] {
	case layout.SpanEntry:
		return s.scrubEntry(it)
	case layout.SpanBatch:
		return s.scrubMark(it)
	case layout.SpanIndex:
		return s.scrubIndex(k)
	case cold.SpanHead:
		return s.scrubBlock(k, v)
	case layout.SpanStripe:
		return s.scrubStripe(k, v)
	case layout.SpanSeries:
		of, known := layout.ParseSeriesKey(k)
		if index, ok := layout.ParseIndexKey(v); !ok || !known || index > s.Applied {
			return layout.Inconsistent(index, "directory of channel %q of user %d says %x", of.Channel, of.Origin, v)
		}
	case layout.SpanSize:
		_, _, err := layout.ParseSizeMark(it)
		return err
	}
	return nil
}

// endOfEntries is called with the key after the entries at hand, nil for the end of the store.
func (s *scrub) endOfEntries(next []byte) error {
	before := bytes.Compare(s.from, []byte{layout.SpanEntry + 1}) < 0
	after := next == nil || next[0] > layout.SpanEntry
	if !before || !after || s.want > s.Applied {
		return nil
	}
	missing := s.want
	s.want, s.from, s.Next = s.Applied+1, []byte{layout.SpanEntry + 1}, []byte{layout.SpanEntry + 1}
	return layout.Inconsistent(missing, "missing, %d is applied", s.Applied)
}

func (s *scrub) scrubEntry(it *pebble.Iterator) error {
	index, ok := layout.EntryIndex(it.Key())
	if !ok {
		return layout.Inconsistent(s.want, "entry key %x", it.Key())
	}
	missing := s.want
	if s.want = index + 1; index != missing {
		s.Next = layout.Indexed(layout.SpanEntry, index)
		return layout.Inconsistent(missing, "missing, the next entry is %d", index)
	}
	return s.Entry(it, index)
}

func (s *scrub) scrubMark(it *pebble.Iterator) error {
	index, m, err := layout.ParseBatchMark(it)
	if err != nil || index < s.Floor {
		return err
	}
	if index <= s.cold.Last {
		return layout.Inconsistent(index, "marked as a batch, but a block holds it")
	}
	if index > s.Applied {
		return layout.Inconsistent(index, "marked as a batch, applied is %d", s.Applied)
	}
	before := s.marked
	if s.marked = m.Time; m.Time < before {
		return layout.Inconsistent(index, "time %d after %d", m.Time, before)
	}
	return nil
}

func (s *scrub) scrubIndex(k []byte) error {
	of, index, ok := layout.ParseSeriesIndex(k)
	if !ok {
		return layout.Inconsistent(0, "index key %x", k)
	}
	if index < s.Floor {
		return nil
	}
	mark, err := s.Value(layout.Indexed(layout.SpanBatch, index))
	if err != nil {
		return err
	}
	if mark == nil || index > s.Applied {
		return layout.Inconsistent(index, "indexed under %q of user %d, but no batch; applied is %d", of.Channel, of.Origin,
			s.Applied)
	}
	return nil
}

func (s *scrub) scrubBlock(k, v []byte) error {
	h, err := cold.DecodeHead(k, v)
	if err != nil || h.Last < s.Floor {
		return layout.DamagedBlock(0, err)
	}
	s.Bytes += h.Size
	s.term, s.time = 0, 0
	return s.Block(&h)
}

// scrubStripe checks that a stripe is of a block. What it says, its block has been compared with.
func (s *scrub) scrubStripe(k, v []byte) error {
	of, last, ok := layout.ParseSeriesIndex(k)
	if !ok {
		return layout.Inconsistent(0, "stripe %x", k)
	}
	if _, err := cold.Positions(last, v); err != nil || last < s.Floor {
		return layout.DamagedBlock(last, err)
	}
	head, err := s.Value(cold.Key(cold.SpanHead, last))
	if err == nil && head == nil {
		err = layout.Inconsistent(last, "channel %q of user %d has a stripe, but there is no block", of.Channel, of.Origin)
	}
	return err
}
