package eventlog

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/entry"
)

// Summary is what Verify found in a sound store.
type Summary struct {
	Floor, Applied, Last uint64
	Entries              uint64 // in [Floor, Last]
	Batches, Hidden      uint64 // up to Applied
	Messages             uint64 // of visible batches
	Bytes                uint64 // of entries, as stored
	IndexKeys            uint64 // keys of the index of series at or above Floor
}

// InconsistentError says that the store's parts contradict each other, although each of them is readable.
type InconsistentError struct {
	Index  uint64
	Reason string
}

func (e *InconsistentError) Error() string {
	return fmt.Sprintf("eventlog: inconsistent at entry %d: %s", e.Index, e.Reason)
}

func inconsistent(index uint64, format string, args ...any) error {
	return &InconsistentError{Index: index, Reason: fmt.Sprintf(format, args...)}
}

// Verify reads the whole store, as of now, and returns the first thing that is wrong: a *CorruptError for bytes that
// are not what was written, an *InconsistentError for a hole in the log, a term that falls, or an index that says
// something else than the batches, in either direction. progress, if not nil, is called now and then with the index at
// hand.
//
// It may run beside everything else: it reads one snapshot, and in chunks, so it pins no files.
func (l *Log) Verify(ctx context.Context, progress func(index uint64)) (Summary, error) {
	if !l.db.Enter() {
		return Summary{}, ErrClosed
	}
	defer l.db.Leave()
	if err := l.db.failure.err(); err != nil {
		return Summary{}, err
	}
	snapshot := l.db.NewSnapshot()
	defer snapshot.Close()
	v := verifier{ctx: ctx, snapshot: snapshot, progress: progress}
	for _, step := range []func() error{v.load, v.entries, v.marks, v.index, v.rest} {
		if err := step(); err != nil {
			return v.Summary, err
		}
	}
	return v.Summary, nil
}

// verifier is one run of Verify.
type verifier struct {
	Summary
	ctx       context.Context
	snapshot  *pebble.Snapshot
	progress  func(uint64)
	packed    bool // batches are not unpacked: their checksums are right, and what is in them is as it was stored
	term      uint64
	time      int64 // the last batch mark's
	sizes     sizeCheck
	wantIndex uint64 // keys of the index of series that the batches call for
}

// sizeCheck follows the size marks: from one to the next the total grows by the bytes of the records between them.
type sizeCheck struct {
	next  uint64 // the mark to come; 0: to be looked for
	total uint64 // 0: no mark yet
	since uint64
}

func (v *verifier) sized(index uint64, size int) error {
	if v.sizes.since += uint64(size); v.sizes.next < index {
		if err := v.nextMark(index); err != nil {
			return err
		}
	}
	if v.sizes.next != index {
		return nil
	}
	mark, err := v.value(indexed(spanSize, index))
	if err != nil {
		return err
	}
	total, ok := ParseIndexKey(mark)
	if want := v.sizes.total + v.sizes.since; !ok || v.sizes.total != 0 && total != want {
		return inconsistent(index, "size mark %x, want %d", mark, want)
	}
	v.sizes.total, v.sizes.since = total, 0
	return nil
}

// nextMark finds the first mark at or above index.
func (v *verifier) nextMark(index uint64) error {
	_, upper := spanBounds(spanSize)
	it, err := iterate(v.snapshot, indexed(spanSize, index), upper)
	if err != nil {
		return err
	}
	defer it.Close()
	v.sizes.next = math.MaxUint64
	if it.First() {
		v.sizes.next, _, err = parseSizeMark(it)
		return err
	}
	return damaged(it.Error())
}

// rest reads what has no checks of its own here: the projections. Their owners check what is in them at start.
func (v *verifier) rest() error {
	return v.each([]byte{spanIndex + 1}, []byte{0xff}, 1024, func(it *pebble.Iterator) error {
		_, err := it.ValueAndErr()
		return damaged(err)
	})
}

func (v *verifier) load() error {
	var err error
	if v.Applied, err = v.number(keyApplied); err != nil {
		return err
	}
	v.Floor, err = v.number(keyFloor)
	v.Floor = max(v.Floor, 1)
	return err
}

func (v *verifier) number(key []byte) (uint64, error) {
	b, err := v.value(key)
	if err != nil || b == nil {
		return 0, err
	}
	if len(b) != 8 {
		return 0, corrupt(0, "state %q has %d bytes", key, len(b))
	}
	return binary.BigEndian.Uint64(b), nil
}

// value returns a copy, nil when the key is missing.
func (v *verifier) value(key []byte) ([]byte, error) {
	b, closer, err := v.snapshot.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, damaged(err)
	}
	own := append([]byte{}, b...)
	return own, closer.Close()
}

// each calls fn for all keys in [lower, upper), with an iterator that lives for chunk keys.
func (v *verifier) each(lower, upper []byte, chunk int, fn func(it *pebble.Iterator) error) error {
	for lower != nil {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		next, err := v.chunk(lower, upper, chunk, fn)
		if err != nil {
			return err
		}
		lower = next
	}
	return nil
}

func (v *verifier) chunk(lower, upper []byte, size int, fn func(it *pebble.Iterator) error) (next []byte, err error) {
	it, err := iterate(v.snapshot, lower, upper)
	if err != nil {
		return nil, err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		if size == 0 {
			return bytes.Clone(it.Key()), nil
		}
		size--
		if err := fn(it); err != nil {
			return nil, err
		}
	}
	return nil, damaged(it.Error())
}

// entries checks each entry, and for each batch its mark and its index keys.
func (v *verifier) entries() error {
	_, upper := spanBounds(spanEntry)
	next := v.Floor
	err := v.each(indexed(spanEntry, v.Floor), upper, 256, func(it *pebble.Iterator) error {
		index, ok := ParseIndexKey(it.Key()[1:])
		if !ok {
			return inconsistent(next, "entry key %x", it.Key())
		}
		if index != next {
			return inconsistent(next, "missing, the next entry is %d", index)
		}
		next++
		v.Last = index
		if v.progress != nil && index%1024 == 0 {
			v.progress(index)
		}
		return v.entry(it, index)
	})
	var corrupt *CorruptError
	if errors.As(err, &corrupt) && corrupt.Index == 0 { // the iterator could not get there
		corrupt.Index = next
	}
	if err == nil && v.Applied >= next {
		err = inconsistent(next, "missing, %d is applied", v.Applied)
	}
	return err
}

func (v *verifier) entry(it *pebble.Iterator, index uint64) error {
	value, err := it.ValueAndErr()
	if err != nil {
		return damagedEntry(index, err)
	}
	r, err := decodeRecord(index, value)
	if err != nil {
		return err
	}
	if r.term < v.term {
		return inconsistent(index, "term %d after %d", r.term, v.term)
	}
	v.term = r.term
	v.Entries++
	v.Bytes += uint64(len(value))
	if err := v.sized(index, len(value)); err != nil {
		return err
	}
	mark, err := v.value(indexed(spanBatch, index))
	if err != nil {
		return err
	}
	if isBatch := r.kind() == entry.KindBatch && index <= v.Applied; isBatch != (mark != nil) {
		return inconsistent(index, "applied batch: %t, marked as one: %t", isBatch, mark != nil)
	}
	if mark == nil {
		return nil
	}
	return v.batch(index, r.data, mark)
}

func (v *verifier) batch(index uint64, data, mark []byte) error {
	m, err := decodeBatchMark(index, mark)
	if err != nil {
		return err
	}
	if m.time < v.time {
		return inconsistent(index, "time %d after %d", m.time, v.time)
	}
	v.time = m.time
	if m.hidden {
		v.Hidden++
		return nil
	}
	b, err := v.decode(data)
	if err != nil {
		return &CorruptError{Index: index, Reason: "undecodable", Err: err}
	}
	if m.time < b.Time() {
		return inconsistent(index, "time %d below the batch's %d", m.time, b.Time())
	}
	v.Batches++
	v.Messages += uint64(b.Messages())
	seen := make(map[series]struct{})
	for i := range b.Runs {
		seen[series{b.Runs[i].Channel, b.Runs[i].Origin}] = struct{}{}
	}
	for of := range seen {
		key, err := v.value(of.indexKey(index))
		if err != nil {
			return err
		}
		if key == nil {
			return inconsistent(index, "channel %q of user %d is not indexed", of.channel, of.origin)
		}
	}
	v.wantIndex += uint64(len(seen))
	return nil
}

func (v *verifier) decode(data []byte) (h entry.Header, err error) {
	if v.packed {
		return entry.DecodeHeader(data)
	}
	b, err := entry.DecodeBatch(data)
	if err != nil {
		return h, err
	}
	return b.Header, nil
}

// marks finds marks of batches that are not applied entries.
func (v *verifier) marks() error {
	count := uint64(0)
	_, upper := spanBounds(spanBatch)
	err := v.each(indexed(spanBatch, v.Floor), upper, 4096, func(*pebble.Iterator) error {
		count++
		return nil
	})
	if want := v.Batches + v.Hidden; err == nil && count != want {
		err = inconsistent(v.Applied, "%d batches are marked, the log has %d", count, want)
	}
	return err
}

// index checks the other direction: each index key within the bounds was called for, and the directory knows it. All
// keys that are called for exist (entries saw to it), so equal numbers mean equal sets.
func (v *verifier) index() error {
	var of series
	var newest uint64
	lower, upper := spanBounds(spanIndex)
	err := v.each(lower, upper, 4096, func(it *pebble.Iterator) error {
		own, index, ok := parseIndexKey(it.Key())
		if !ok {
			return inconsistent(0, "index key %x", it.Key())
		}
		if index > v.Applied {
			return inconsistent(index, "indexed under %q of user %d, applied is %d", own.channel, own.origin, v.Applied)
		}
		if own != of {
			if err := v.directory(of, newest); err != nil {
				return err
			}
			of = own
		}
		if newest = index; index >= v.Floor {
			v.IndexKeys++
		}
		return nil
	})
	if err == nil {
		err = v.directory(of, newest)
	}
	if err == nil && v.IndexKeys != v.wantIndex {
		err = inconsistent(v.Applied, "%d index keys, the batches call for %d", v.IndexKeys, v.wantIndex)
	}
	return err
}

func (v *verifier) directory(of series, newest uint64) error {
	if of.channel == "" {
		return nil
	}
	b, err := v.value(of.key())
	if err != nil {
		return err
	}
	if !bytes.Equal(b, IndexKey(newest)) {
		return inconsistent(newest, "directory of channel %q of user %d says %x", of.channel, of.origin, b)
	}
	return nil
}
