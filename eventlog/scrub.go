package eventlog

import (
	"bytes"
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// Piece is what one call of Scrub has read.
type Piece struct {
	Next  []byte // where to go on; nil: the end of the store was reached
	Bytes int64  // of keys and values
}

// Scrub reads about budget bytes of the store from the key from on (nil: from its beginning), and returns the first
// thing that is wrong, as Verify does. It also returns where to go on, behind the damage if there is any. So the whole
// store is read in pieces over days: each sees the store as of its own beginning, and nothing is pinned between them.
//
// All of Verify's checks are made but those that need the whole log at once: that no index key is there which no batch
// calls for (a reader would meet a batch without its channel), and that terms and times do not fall from one piece to
// the next.
func (l *Log) Scrub(ctx context.Context, from []byte, budget int64) (Piece, error) {
	if !l.db.Enter() {
		return Piece{}, ErrClosed
	}
	defer l.db.Leave()
	if err := l.db.failure.err(); err != nil {
		return Piece{}, err
	}
	snapshot := l.db.NewSnapshot()
	defer snapshot.Close()
	s := scrub{verifier: verifier{ctx: ctx, snapshot: snapshot}}
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
	verifier
	from   []byte // of the key at hand
	want   uint64 // the next entry
	marked int64  // time of the last batch mark
}

// seek sets where to begin. Entries below the floor are nobody's any more, and half of them may be gone.
func (s *scrub) seek(from []byte) {
	s.want = s.Floor
	if index, ok := entryKey(from); ok {
		s.want = max(index, s.Floor)
	}
	if s.from = from; s.from == nil {
		s.from = []byte{0}
	}
}

func entryKey(key []byte) (index uint64, ok bool) {
	if len(key) == 0 || key[0] != spanEntry {
		return 0, false
	}
	return ParseIndexKey(key[1:])
}

func (s *scrub) read(budget int64) error {
	it, err := iterate(s.snapshot, s.from, nil)
	if err != nil {
		return err
	}
	defer it.Close()
	ok := it.First()
	for ok && s.Bytes < budget {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		if index, entry := entryKey(it.Key()); entry && index < s.Floor {
			ok = it.SeekGE(indexed(spanEntry, s.Floor))
			continue
		}
		if err := s.key(it); err != nil {
			return err
		}
		ok = it.Next()
	}
	if ok {
		if s.Next = bytes.Clone(it.Key()); s.from[0] <= spanEntry && s.Next[0] >= spanEntry && s.want <= s.Applied {
			s.Next = indexed(spanEntry, s.want) // which may be missing
		}
		return nil
	}
	if err := it.Error(); err != nil {
		s.skip()
		return damagedEntry(s.suspect(), err)
	}
	s.Next = nil
	return s.endOfEntries(nil)
}

// suspect is the entry that comes next, if the iterator is among entries.
func (s *scrub) suspect() uint64 {
	if s.from[0] == spanEntry {
		return s.want
	}
	return 0
}

// skip goes on behind what cannot be read: with the entry after it, or with the next span.
func (s *scrub) skip() {
	switch {
	case s.from[0] == spanEntry && s.want < max(s.Applied, s.Floor):
		s.Next = indexed(spanEntry, s.want+1)
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
		index, _ := entryKey(k)
		return damagedEntry(index, err)
	}
	s.Bytes += int64(len(k) + len(v))
	switch k[0] {
	case spanEntry:
		return s.scrubEntry(it)
	case spanBatch:
		return s.scrubMark(it)
	case spanIndex:
		return s.scrubIndex(k)
	case spanSeries:
		of, known := parseSeriesKey(k)
		if index, ok := ParseIndexKey(v); !ok || !known || index > s.Applied {
			return inconsistent(index, "directory of channel %q of user %d says %x", of.channel, of.origin, v)
		}
	case spanSize:
		_, _, err := parseSizeMark(it)
		return err
	}
	return nil
}

// endOfEntries is called with the key after the entries at hand, nil for the end of the store.
func (s *scrub) endOfEntries(next []byte) error {
	before := bytes.Compare(s.from, []byte{spanEntry + 1}) < 0
	after := next == nil || next[0] > spanEntry
	if !before || !after || s.want > s.Applied {
		return nil
	}
	missing := s.want
	s.want, s.from, s.Next = s.Applied+1, []byte{spanEntry + 1}, []byte{spanEntry + 1}
	return inconsistent(missing, "missing, %d is applied", s.Applied)
}

func (s *scrub) scrubEntry(it *pebble.Iterator) error {
	index, ok := entryKey(it.Key())
	if !ok {
		return inconsistent(s.want, "entry key %x", it.Key())
	}
	missing := s.want
	if s.want = index + 1; index != missing {
		s.Next = indexed(spanEntry, index)
		return inconsistent(missing, "missing, the next entry is %d", index)
	}
	return s.entry(it, index)
}

func (s *scrub) scrubMark(it *pebble.Iterator) error {
	index, m, err := parseBatchMark(it)
	if err != nil || index < s.Floor {
		return err
	}
	if index > s.Applied {
		return inconsistent(index, "marked as a batch, applied is %d", s.Applied)
	}
	before := s.marked
	if s.marked = m.time; m.time < before {
		return inconsistent(index, "time %d after %d", m.time, before)
	}
	return nil
}

func (s *scrub) scrubIndex(k []byte) error {
	of, index, ok := parseIndexKey(k)
	if !ok {
		return inconsistent(0, "index key %x", k)
	}
	if index < s.Floor {
		return nil
	}
	mark, err := s.value(indexed(spanBatch, index))
	if err != nil {
		return err
	}
	if mark == nil || index > s.Applied {
		return inconsistent(index, "indexed under %q of user %d, but no batch; applied is %d", of.channel, of.origin,
			s.Applied)
	}
	return nil
}

// ScrubProgress returns the share of the store, by bytes on the disk, that lies before a key.
func (l *Log) ScrubProgress(key []byte) (float64, error) {
	if !l.db.Enter() {
		return 0, ErrClosed
	}
	defer l.db.Leave()
	all, err := l.db.EstimateDiskUsage([]byte{0}, []byte{0xff})
	if err != nil || all == 0 || len(key) == 0 {
		return 0, damaged(err)
	}
	before, err := l.db.EstimateDiskUsage([]byte{0}, key)
	return float64(before) / float64(all), damaged(err)
}

// IsDamage reports whether an error of Verify or Scrub is about the store, and not about the reading of it.
func IsDamage(err error) bool {
	var corrupt *CorruptError
	var inconsistent *InconsistentError
	return errors.As(err, &corrupt) || errors.As(err, &inconsistent)
}
