package eventlog

import (
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/entry"
	"hpfriends/eventlog/layout"
)

// Position is a position in the log: one message of one entry.
type Position = entry.Position

// Entry is one entry of the log.
type Entry struct {
	Index, Term uint64
	Appended    time.Time  // by the leader's clock, UTC; zero if unknown
	Kind        entry.Kind // 0: an entry of Raft's own
	Data        []byte     // the command, kind byte first; shared and read-only
}

// Entry returns an applied entry. Errors: ErrNotFound after Applied, ErrBelowFloor, a *CorruptError, ErrClosed.
func (l *Log) Entry(index uint64) (Entry, error) {
	if index > l.Applied() {
		return Entry{}, ErrNotFound
	}
	r, err := l.stored(index)
	if err != nil {
		return Entry{}, err
	}
	return Entry{Index: index, Term: r.Term, Appended: r.Appended, Kind: r.Kind(), Data: r.Bytes()}, nil
}

// stored returns an entry of the log, applied or not, from memory or from disk.
func (l *Log) stored(index uint64) (layout.Record, error) {
	if !l.db.Enter() {
		return layout.Record{}, ErrClosed
	}
	defer l.db.Leave()
	floor, last := l.bounds()
	switch {
	case index < floor:
		return layout.Record{}, ErrBelowFloor
	case index > last:
		return layout.Record{}, ErrNotFound
	}
	if r, ok := l.tail.record(index); ok {
		return r, nil
	}
	r, err := l.db.record(index)
	switch {
	case err != nil && index < l.Floor(): // it moved meanwhile
		return layout.Record{}, ErrBelowFloor
	case errors.Is(err, pebble.ErrNotFound):
		return layout.Record{}, l.missing(index)
	}
	return r, err
}

// Header returns what a batch says of its runs, whose frames may be there or not. It is empty for an entry of another
// kind. Errors are those of Entry.
func (l *Log) Header(index uint64) (entry.Header, error) {
	if index > l.Applied() {
		return entry.Header{}, ErrNotFound
	}
	r, err := l.stored(index)
	if err != nil {
		return entry.Header{}, err
	}
	return r.Header()
}

// missing says why an entry within the bounds was not there: the bounds moved meanwhile, or the log has a hole.
func (l *Log) missing(index uint64) error {
	floor, last := l.bounds()
	switch {
	case index < floor:
		return ErrBelowFloor
	case index > last:
		return ErrNotFound
	}
	return layout.Corrupt(index, "missing in a log of %d to %d", floor, last)
}

// Batch returns a visible batch of an applied entry. It is shared between callers and read-only. It comes from the tail
// cache, or is read and decoded once for all who ask at the same time. Errors: ErrNotBatch for entries of another kind
// and for hidden repetitions, and those of Entry.
func (l *Log) Batch(index uint64) (*entry.Batch, error) {
	if index > l.Applied() {
		return nil, ErrNotFound
	}
	if index < l.Floor() {
		return nil, ErrBelowFloor
	}
	if index <= l.db.frozen.Load() { // the cache of blocks has it, if it is in one
		return l.decode(index)
	}
	return l.tail.decoded(index, l.decode)
}

func (l *Log) decode(index uint64) (*entry.Batch, error) {
	r, err := l.stored(index)
	if err != nil {
		return nil, err
	}
	if r.Batch != nil {
		return r.Batch, nil
	}
	if r.Kind() != entry.KindBatch {
		return nil, ErrNotBatch
	}
	if err := l.shown(index); err != nil {
		return nil, err
	}
	b, err := entry.DecodeBatch(r.Data)
	if err != nil {
		return nil, &CorruptError{Index: index, Reason: "undecodable", Err: err}
	}
	return b, nil
}

// shown returns nil for a batch that readers show.
func (l *Log) shown(index uint64) error {
	visible, err := l.db.visible(index)
	switch {
	case err == nil && visible:
		return nil
	case index < l.Floor(): // its mark was reclaimed after its record was read, or with its block amid that
		return ErrBelowFloor
	case err != nil:
		return err
	}
	return ErrNotBatch
}

// Get returns the value of a projection's key, the caller's own, or ErrNotFound.
func (l *Log) Get(space Space, key []byte) ([]byte, error) { return l.db.getKey(space, key) }

// Scan calls fn for the keys of a projection in [from, to), in order; a nil to means to the end of the space. The
// slices are fn's during the call only. It sees the store as of its beginning and ends with fn's first error.
func (l *Log) Scan(space Space, from, to []byte, fn func(k, v []byte) error) error {
	return l.db.scanSpace(space, from, to, fn)
}

// ScanDown is Scan from the last key to the first.
func (l *Log) ScanDown(space Space, from, to []byte, fn func(k, v []byte) error) error {
	if !l.db.Enter() {
		return ErrClosed
	}
	defer l.db.Leave()
	it, err := l.db.iterate(spaceBounds(space, from, to))
	if err != nil {
		return err
	}
	defer it.Close()
	for ok := it.Last(); ok; ok = it.Prev() {
		v, err := it.ValueAndErr()
		if err != nil {
			return layout.Damaged(err)
		}
		if err := fn(it.Key()[1:], v); err != nil {
			return err
		}
	}
	return layout.Damaged(it.Error())
}
