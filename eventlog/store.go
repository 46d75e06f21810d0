package eventlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/ballast"
	"hpfriends/eventlog/cold"
	"hpfriends/eventlog/failstop"
	"hpfriends/eventlog/inflight"
	"hpfriends/eventlog/layout"
	"hpfriends/eventlog/mend"
	"hpfriends/eventlog/spare"
)

// store is Pebble under the rules of this package: a write that fails does not return, damage is a *CorruptError, and
// Close waits for the calls inside, since Pebble panics when used after its own. All that reads or writes goes by it.
type store struct {
	*pebble.DB
	inflight.Calls
	failure *failstop.Stop
	ballast *ballast.Reserve // nil: there is no disk behind it
	spare   *spare.FS
	cache   *cold.Cache
	frozen  atomic.Uint64 // no block holds an entry above; raised before a block is written
	files   mend.Store
}

func openStore(cfg Config) (*store, error) {
	s := &store{failure: failstop.New(cfg.Logger, cfg.Fatal), cache: cold.NewCache(cfg.ColdBytes)}
	s.Init()
	err := s.open(cfg)
	s.files = mend.Store{DB: s.DB, FS: cfg.files(), Dir: cfg.Dir}
	return s, err
}

// checkLayout refuses a store of another layout, and begins a new one.
func (s *store) checkLayout(readOnly bool) error {
	v, err := s.number(layout.KeyFormat)
	switch {
	case err != nil:
		return err
	case v == layout.Version:
		return nil
	case v > layout.Version:
		return fmt.Errorf("%w (layout %d, this version knows %d)", ErrNewer, v, layout.Version)
	case v != 0:
		return fmt.Errorf("an earlier program wrote it (layout %d, this one knows %d): "+
			"start with a new directory, or read this one with the program that wrote it", v, layout.Version)
	}
	if readOnly {
		return errors.New("there is no log in it")
	}
	if err := s.Set(layout.KeyFormat, binary.BigEndian.AppendUint64(nil, layout.Version), pebble.Sync); err != nil {
		return err
	}
	// Pebble raises the format of a new store after it has begun the first WAL, which therefore has no sync chunks:
	// damage in the middle of it would pass for its end. A flush begins the next WAL.
	return s.Flush()
}

// lastEntry returns the newest stored entry, zeros when there is none.
func (s *store) lastEntry() (index, term uint64, err error) {
	it, err := s.iterate(layout.SpanBounds(layout.SpanEntry))
	if err != nil {
		return 0, 0, err
	}
	defer it.Close()
	if !it.Last() {
		return 0, 0, layout.Damaged(it.Error())
	}
	index, ok := ParseIndexKey(it.Key()[1:])
	if !ok {
		return 0, 0, fmt.Errorf("malformed entry key %x", it.Key())
	}
	v, err := it.ValueAndErr()
	if err != nil {
		return 0, 0, fmt.Errorf("last entry: %w", layout.DamagedEntry(index, err))
	}
	r, err := layout.DecodeRecord(index, v)
	if err != nil {
		return 0, 0, fmt.Errorf("last entry: %w", err)
	}
	return index, r.Term, nil
}

// newestTime is the time that the next indexed batch may not fall below, 0 when there is none.
func newestTime(r pebble.Reader) (int64, error) {
	lower, upper := layout.SpanBounds(layout.SpanBatch)
	it, err := layout.Iterate(r, lower, upper)
	if err != nil {
		return 0, err
	}
	defer it.Close()
	if !it.Last() {
		h, err := cold.Blocks{Reader: r}.Last()
		return h.Time, errors.Join(layout.Damaged(it.Error()), layout.DamagedBlock(0, err))
	}
	_, mark, err := layout.ParseBatchMark(it)
	return mark.Time, err
}

// commit writes a batch. A write that fails does not return.
func (s *store) commit(b *pebble.Batch, o *pebble.WriteOptions) {
	defer func() {
		if r := recover(); r != nil { // Pebble panics when its WAL cannot take a record
			_ = s.failure.Fail(fmt.Errorf("eventlog: write: %v", r))
		}
	}()
	if err := s.failure.Err(); err != nil {
		_ = s.failure.Fail(err)
	}
	if err := b.Commit(o); err != nil {
		_ = s.failure.Fail(fmt.Errorf("eventlog: write: %w", err))
	}
}

// must ends the process when building a batch fails, which only a programming error can cause.
func (s *store) must(err error) {
	if err != nil {
		_ = s.failure.Fail(fmt.Errorf("eventlog: write: %w", err))
	}
}

// iterate opens an iterator over [lower, upper).
func (s *store) iterate(lower, upper []byte) (*pebble.Iterator, error) {
	return layout.Iterate(s.DB, lower, upper)
}

// get returns the value of a key, the caller's own, or ErrNotFound.
func (s *store) get(key []byte) ([]byte, error) {
	v, closer, err := s.DB.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, layout.Damaged(err)
	}
	own := append([]byte{}, v...)
	return own, closer.Close()
}

// entry reads an entry from disk. The result is the caller's.
func (s *store) entry(index uint64) (layout.Record, error) {
	v, closer, err := s.DB.Get(layout.Indexed(layout.SpanEntry, index))
	if err != nil {
		return layout.Record{}, layout.DamagedEntry(index, err)
	}
	own := append([]byte(nil), v...)
	if err := closer.Close(); err != nil {
		return layout.Record{}, layout.DamagedEntry(index, err)
	}
	return layout.DecodeRecord(index, own)
}

// number returns a number of the store's own state, 0 when it is not set.
func (s *store) number(key []byte) (uint64, error) {
	v, closer, err := s.DB.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("state %q: %w", key, layout.Damaged(err))
	}
	defer closer.Close()
	if len(v) != 8 {
		return 0, fmt.Errorf("state %q has %d bytes, want 8", key, len(v))
	}
	return binary.BigEndian.Uint64(v), nil
}

func (s *store) setNumber(b *pebble.Batch, key []byte, v uint64) {
	s.must(b.Set(key, binary.BigEndian.AppendUint64(nil, v), nil))
}

func (s *store) scan(lower, upper []byte, fn func(k, v []byte) error) error {
	if !s.Enter() {
		return ErrClosed
	}
	defer s.Leave()
	it, err := s.iterate(lower, upper)
	if err != nil {
		return err
	}
	return scan(it, fn)
}

// getKey is Log.Get.
func (s *store) getKey(space Space, key []byte) ([]byte, error) {
	if !s.Enter() {
		return nil, ErrClosed
	}
	defer s.Leave()
	return s.get(spaceKey(space, key))
}

// scanSpace is Log.Scan.
func (s *store) scanSpace(space Space, from, to []byte, fn func(k, v []byte) error) error {
	lower, upper := spaceBounds(space, from, to)
	return s.scan(lower, upper, func(k, v []byte) error { return fn(k[1:], v) })
}

// scan calls fn for all keys of an iterator, and closes it.
func scan(it *pebble.Iterator, fn func(k, v []byte) error) error {
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return layout.Damaged(err)
		}
		if err := fn(it.Key(), v); err != nil {
			return err
		}
	}
	return layout.Damaged(it.Error())
}

// newestBelow calls fn for the last key of a projection ordered by index that is not above index.
func (s *store) newestBelow(space Space, index uint64, fn func(k, v []byte) error) error {
	if !s.Enter() {
		return ErrClosed
	}
	defer s.Leave()
	upper := []byte{byte(space) + 1}
	if index+1 != 0 {
		upper = spaceKey(space, IndexKey(index+1))
	}
	it, err := s.iterate([]byte{byte(space)}, upper)
	if err != nil {
		return err
	}
	defer it.Close()
	if !it.Last() {
		return layout.Damaged(it.Error())
	}
	v, err := it.ValueAndErr()
	if err != nil {
		return layout.Damaged(err)
	}
	return fn(it.Key()[1:], v)
}
