// Package check reads a store and checks that everything in it is as it was written and fits together.
package check

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/cold"
	"hpfriends/eventlog/entry"
	"hpfriends/eventlog/layout"
)

// Summary is what Verify found in a sound store.
type Summary struct {
	Floor, Applied, Last uint64
	Entries              uint64 // in [Floor, Last]
	Batches, Hidden      uint64 // up to Applied
	Messages             uint64 // of visible batches
	Bytes                uint64 // of entries, as stored
	IndexKeys            uint64 // keys of the index of series at or above Floor, those of blocks too
	Blocks               uint64 // of old entries
}

// Verify is what Log.Verify does, of a snapshot.
func Verify(ctx context.Context, snapshot *pebble.Snapshot, progress func(index uint64)) (Summary, error) {
	v := Reader{ctx: ctx, snapshot: snapshot, progress: progress}
	for _, step := range []func() error{v.load, v.blocks, v.entries, v.marks, v.index, v.stripes, v.rest} {
		if err := step(); err != nil {
			return v.Summary, err
		}
	}
	return v.Summary, nil
}

// NewReader returns a reader of what is in a snapshot.
func NewReader(ctx context.Context, snapshot *pebble.Snapshot) (*Reader, error) {
	v := &Reader{ctx: ctx, snapshot: snapshot}
	return v, v.load()
}

// Reader reads a snapshot of a store and checks what it reads.
type Reader struct {
	Summary
	ctx       context.Context
	snapshot  *pebble.Snapshot
	progress  func(uint64)
	Packed    bool // batches are not unpacked: their checksums are right, and what is in them is as it was stored
	term      uint64
	time      int64 // the last batch mark's
	sizes     sizeCheck
	wantIndex uint64    // keys of the index of series that the batches call for
	hot       uint64    // batches with a mark of their own
	cold      cold.Head // the newest block
	wantCold  uint64    // stripes that the blocks call for
	beside    beside
}

// sizeCheck follows the size marks: from one to the next the total grows by the bytes of the records between them.
type sizeCheck struct {
	next  uint64 // the mark to come; 0: to be looked for
	total uint64 // 0: no mark yet
	since uint64
}

func (v *Reader) sized(index uint64, size int) error {
	if v.sizes.since += uint64(size); v.sizes.next < index {
		if err := v.nextMark(index); err != nil {
			return err
		}
	}
	if v.sizes.next != index {
		return nil
	}
	mark, err := v.Value(layout.Indexed(layout.SpanSize, index))
	if err != nil {
		return err
	}
	total, ok := layout.ParseIndexKey(mark)
	if want := v.sizes.total + v.sizes.since; !ok || v.sizes.total != 0 && total != want {
		return layout.Inconsistent(index, "size mark %x, want %d", mark, want)
	}
	v.sizes.total, v.sizes.since = total, 0
	return nil
}

// nextMark finds the first mark at or above index.
func (v *Reader) nextMark(index uint64) error {
	_, upper := layout.SpanBounds(layout.SpanSize)
	it, err := layout.Iterate(v.snapshot, layout.Indexed(layout.SpanSize, index), upper)
	if err != nil {
		return err
	}
	defer it.Close()
	v.sizes.next = math.MaxUint64
	if it.First() {
		v.sizes.next, _, err = layout.ParseSizeMark(it)
		return err
	}
	return layout.Damaged(it.Error())
}

// rest reads what has no checks of its own here: the projections. Their owners check what is in them at start.
func (v *Reader) rest() error {
	return v.Each([]byte{layout.SpanStripe + 1}, []byte{0xff}, 1024, func(it *pebble.Iterator) error {
		_, err := it.ValueAndErr()
		return layout.Damaged(err)
	})
}

func (v *Reader) load() error {
	var err error
	if v.Applied, err = v.number(layout.KeyApplied); err != nil {
		return err
	}
	v.Floor, err = v.number(layout.KeyFloor)
	v.Floor = max(v.Floor, 1)
	if err != nil {
		return err
	}
	v.cold, err = v.ColdBlocks().Last()
	return layout.DamagedBlock(0, err)
}

// ColdBlocks reads the blocks of the snapshot.
func (v *Reader) ColdBlocks() cold.Blocks { return cold.Blocks{Reader: v.snapshot} }

// begin is the first entry that is no block's.
func (v *Reader) begin() uint64 { return max(v.Floor, v.cold.Last+1) }

func (v *Reader) number(key []byte) (uint64, error) {
	b, err := v.Value(key)
	if err != nil || b == nil {
		return 0, err
	}
	if len(b) != 8 {
		return 0, layout.Corrupt(0, "state %q has %d bytes", key, len(b))
	}
	return binary.BigEndian.Uint64(b), nil
}

// Value returns a copy, nil when the key is missing.
func (v *Reader) Value(key []byte) ([]byte, error) {
	b, closer, err := v.snapshot.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, layout.Damaged(err)
	}
	own := append([]byte{}, b...)
	return own, closer.Close()
}

// Each calls fn for all keys in [lower, upper), with an iterator that lives for chunk keys.
func (v *Reader) Each(lower, upper []byte, chunk int, fn func(it *pebble.Iterator) error) error {
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

func (v *Reader) chunk(lower, upper []byte, size int, fn func(it *pebble.Iterator) error) (next []byte, err error) {
	it, err := layout.Iterate(v.snapshot, lower, upper)
	if err != nil {
		return nil, err
	}
	defer it.Close()
	defer func() { err = errors.Join(err, v.beside.end()) }()
	for ok := it.First(); ok; ok = it.Next() {
		if size == 0 {
			return bytes.Clone(it.Key()), nil
		}
		size--
		if err := fn(it); err != nil {
			return nil, err
		}
	}
	return nil, layout.Damaged(it.Error())
}

// entries checks each entry, and for each batch its mark and its index keys.
func (v *Reader) entries() error {
	_, upper := layout.SpanBounds(layout.SpanEntry)
	next := v.begin()
	err := v.Each(layout.Indexed(layout.SpanEntry, next), upper, 256, func(it *pebble.Iterator) error {
		index, ok := layout.ParseIndexKey(it.Key()[1:])
		if !ok {
			return layout.Inconsistent(next, "entry key %x", it.Key())
		}
		if index != next {
			return layout.Inconsistent(next, "missing, the next entry is %d", index)
		}
		next++
		v.Last = index
		if v.progress != nil && index%1024 == 0 {
			v.progress(index)
		}
		return v.Entry(it, index)
	})
	var corrupt *layout.CorruptError
	if errors.As(err, &corrupt) && corrupt.Index == 0 { // the iterator could not get there
		corrupt.Index = next
	}
	if err == nil && v.Applied >= next {
		err = layout.Inconsistent(next, "missing, %d is applied", v.Applied)
	}
	return err
}

// Entry checks the entry at hand, and for a batch its mark and its index keys.
func (v *Reader) Entry(it *pebble.Iterator, index uint64) error {
	value, err := it.ValueAndErr()
	if err != nil {
		return layout.DamagedEntry(index, err)
	}
	r, err := layout.DecodeRecord(index, value)
	if err != nil {
		return err
	}
	if r.Term < v.term {
		return layout.Inconsistent(index, "term %d after %d", r.Term, v.term)
	}
	v.term = r.Term
	v.Entries++
	v.Bytes += uint64(len(value))
	if err := v.sized(index, len(value)); err != nil {
		return err
	}
	mark, err := v.Mark(index)
	if err != nil {
		return err
	}
	if isBatch := r.Kind() == entry.KindBatch && index <= v.Applied; isBatch != (mark != nil) {
		return layout.Inconsistent(index, "applied batch: %t, marked as one: %t", isBatch, mark != nil)
	}
	if mark == nil {
		return nil
	}
	return v.batch(index, r.Data, mark)
}

func (v *Reader) batch(index uint64, data, mark []byte) error {
	v.hot++
	m, err := layout.DecodeBatchMark(index, mark)
	if err != nil {
		return err
	}
	if m.Time < v.time {
		return layout.Inconsistent(index, "time %d after %d", m.Time, v.time)
	}
	v.time = m.Time
	if m.Hidden {
		v.Hidden++
		return nil
	}
	b, err := v.decode(data)
	if err != nil {
		return &layout.CorruptError{Index: index, Reason: "undecodable", Err: err}
	}
	if m.Time < b.Time() {
		return layout.Inconsistent(index, "time %d below the batch's %d", m.Time, b.Time())
	}
	v.Batches++
	v.Messages += uint64(b.Messages())
	seen := make(map[layout.Series]struct{})
	for i := range b.Runs {
		seen[layout.Series{Channel: b.Runs[i].Channel, Origin: b.Runs[i].Origin}] = struct{}{}
	}
	for of := range seen {
		ok, err := v.indexed(of, index)
		if err != nil {
			return err
		}
		if !ok {
			return layout.Inconsistent(index, "channel %q of user %d is not indexed", of.Channel, of.Origin)
		}
	}
	v.wantIndex += uint64(len(seen))
	return nil
}

func (v *Reader) decode(data []byte) (h entry.Header, err error) {
	if v.Packed {
		return entry.DecodeHeader(data)
	}
	b, err := entry.DecodeBatch(data)
	if err != nil {
		return h, err
	}
	return b.Header, nil
}

// marks finds marks of batches that are not applied entries.
func (v *Reader) marks() error {
	count := uint64(0)
	_, upper := layout.SpanBounds(layout.SpanBatch)
	err := v.Each(layout.Indexed(layout.SpanBatch, v.Floor), upper, 4096, func(*pebble.Iterator) error {
		count++
		return nil
	})
	if err == nil && count != v.hot {
		err = layout.Inconsistent(v.Applied, "%d batches are marked, the log has %d", count, v.hot)
	}
	return err
}

// index checks the other direction: each index key within the bounds was called for, and the directory knows it. All
// keys that are called for exist (entries saw to it), so equal numbers mean equal sets.
func (v *Reader) index() error {
	var of layout.Series
	var newest uint64
	lower, upper := layout.SpanBounds(layout.SpanIndex)
	err := v.Each(lower, upper, 4096, func(it *pebble.Iterator) error {
		own, index, ok := layout.ParseSeriesIndex(it.Key())
		if !ok {
			return layout.Inconsistent(0, "index key %x", it.Key())
		}
		if index > v.Applied {
			return layout.Inconsistent(index, "indexed under %q of user %d, applied is %d", own.Channel, own.Origin, v.Applied)
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
		err = layout.Inconsistent(v.Applied, "%d index keys, the batches call for %d", v.IndexKeys, v.wantIndex)
	}
	return err
}

func (v *Reader) directory(of layout.Series, newest uint64) error {
	if of.Channel == "" {
		return nil
	}
	b, err := v.Value(of.Key())
	if err != nil {
		return err
	}
	if !bytes.Equal(b, layout.IndexKey(newest)) {
		return layout.Inconsistent(newest, "directory of channel %q of user %d says %x", of.Channel, of.Origin, b)
	}
	return nil
}
