package eventlog

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/check"
	"hpfriends/eventlog/cold"
	"hpfriends/eventlog/layout"
	"hpfriends/eventlog/mend"
)

// BlockBytes is how much of messages is in a block, about. One is read whole by who wants most of it.
const BlockBytes = 8 << 20

// Cold is the old part of the log, in blocks.
type Cold struct{ log *Log }

// Cold returns the old part of the log.
func (l *Log) Cold() Cold { return Cold{l} }

// Packing says what to pack.
type Packing struct {
	Before uint64                   // entries below it
	Least  int                      // bytes of messages that are worth a block; 0: any
	Rest   func(work time.Duration) // is called after each piece of work, to rest; nil: no rest
}

// Packed is what was put into blocks.
type Packed struct {
	First, Last uint64 // entries; 0: nothing was to be done
	Blocks      int
	Bytes       int64 // of the entries as they were stored
	Stored      int64 // of the block and its keys
}

// Ends is the entry up to which the log is in blocks, 0 when there are none.
func (c Cold) Ends() uint64 { return c.log.db.frozen.Load() }

// Stored returns how many blocks there are and how many bytes they take.
func (c Cold) Stored() (blocks int, bytes uint64, err error) {
	if !c.log.db.Enter() {
		return 0, 0, ErrClosed
	}
	defer c.log.db.Leave()
	err = c.log.db.blocks().Each(c.log.Floor(), func(h cold.Head) error {
		blocks, bytes = blocks+1, bytes+h.Stored
		return nil
	})
	return blocks, bytes, layout.DamagedBlock(0, err)
}

// Pack puts the oldest entries that are in no block into one, as many as fit. The newest applied entry stays as it is.
// It may run beside everything, one call at a time.
func (c Cold) Pack(ctx context.Context, p Packing) (Packed, error) {
	l := c.log
	if !l.db.Enter() {
		return Packed{}, ErrClosed
	}
	defer l.db.Leave()
	l.packing.Lock()
	defer l.packing.Unlock()
	if p.Rest == nil {
		p.Rest = func(time.Duration) {}
	}
	k := packer{log: l, Packing: p, worked: time.Now()}
	if worth, err := k.collect(ctx); err != nil || !worth {
		return Packed{}, err
	}
	if err := k.Encode(k.rest); err != nil {
		return Packed{}, err
	}
	if err := k.write(ctx); err != nil {
		return Packed{}, err
	}
	return Packed{First: k.Head.First, Last: k.Head.Last, Blocks: 1, Bytes: k.bytes, Stored: int64(k.Head.Stored)}, nil
}

// soon packs before an entry, if any, for tests. A log that is damaged is for its readers to find.
func (c Cold) soon(before uint64) {
	if before == 0 {
		return
	}
	p, err := c.Pack(context.Background(), Packing{Before: before})
	if err != nil && !errors.Is(err, ErrClosed) && !IsDamage(err) {
		panic(err)
	}
	c.log.tail.forget(p.Last + 1)
}

// giveBackEvery is after how many blocks the space of what is in them is given back: half a gigabyte of messages.
const giveBackEvery = 64

// PackAll calls Pack until there is nothing left to do, and gives the space back as it goes. told, if not nil, learns
// after each block up to which entry the log is in blocks. What it returns is the sum.
func (c Cold) PackAll(ctx context.Context, p Packing, told func(last uint64)) (all Packed, err error) {
	for {
		one, err := c.Pack(ctx, p)
		if err != nil {
			return all, errors.Join(err, c.giveBackOf(ctx, all))
		}
		if one.First == 0 {
			return all, c.giveBackOf(ctx, all)
		}
		if all.First == 0 {
			all.First = one.First
		}
		all.Last, all.Blocks = one.Last, all.Blocks+one.Blocks
		all.Bytes, all.Stored = all.Bytes+one.Bytes, all.Stored+one.Stored
		if told != nil {
			told(one.Last)
		}
		if all.Blocks%giveBackEvery == 0 {
			if err := c.GiveBack(ctx); err != nil {
				return all, err
			}
		}
	}
}

func (c Cold) giveBackOf(ctx context.Context, p Packed) error {
	if p.First == 0 {
		return nil
	}
	return c.GiveBack(ctx)
}

// GiveBack gives the space of what has been packed back to the disk, and returns when it is there.
func (c Cold) GiveBack(ctx context.Context) error {
	l := c.log
	if !l.db.Enter() {
		return ErrClosed
	}
	defer l.db.Leave()
	end := l.db.frozen.Load() + 1
	for _, span := range []byte{layout.SpanBatch, layout.SpanEntry} {
		if err := l.db.Compact(context.Background(), layout.Indexed(span, 0), layout.Indexed(span, end), false); err != nil {
			return layout.Damaged(err)
		}
	}
	lower, upper := layout.SpanBounds(layout.SpanIndex)
	if err := l.db.Compact(context.Background(), lower, upper, false); err != nil {
		return layout.Damaged(err)
	}
	cold.AwaitRemoval(ctx, l.db.DB)
	return nil
}

// packer makes one block.
type packer struct {
	log *Log
	Packing
	worked time.Time // since the last rest
	bytes  int64     // of the entries as they are stored
	*mend.Maker
}

func (k *packer) rest() {
	k.Rest(time.Since(k.worked))
	k.worked = time.Now()
}

// collect reads the entries that come next, and reports whether they are worth a block.
func (k *packer) collect(ctx context.Context) (worth bool, err error) {
	db := k.log.db
	snapshot := db.NewSnapshot()
	defer snapshot.Close()
	before, err := cold.Blocks{Reader: snapshot}.Last()
	if err != nil {
		return false, layout.DamagedBlock(0, err)
	}
	k.Maker = mend.NewMaker(max(before.Last+1, k.log.Floor()), before.Time)
	k.Head.Total = before.Total
	v, err := check.NewReader(ctx, snapshot)
	if err != nil {
		return false, err
	}
	end, next := min(k.Before, v.Applied), k.Head.First
	lower, upper := layout.Indexed(layout.SpanEntry, next), layout.Indexed(layout.SpanEntry, max(next, end))
	err = v.Each(lower, upper, 256, func(it *pebble.Iterator) error {
		index, ok := layout.EntryIndex(it.Key())
		if !ok || index != next {
			return layout.Inconsistent(next, "missing, the next entry is %x", it.Key())
		}
		next++
		value, err := it.ValueAndErr()
		if err != nil {
			return layout.DamagedEntry(index, err)
		}
		r, err := layout.DecodeRecord(index, bytes.Clone(value))
		if err != nil {
			return err
		}
		k.bytes += int64(len(value))
		if err := k.add(v, r); err != nil {
			return err
		}
		if k.Size() >= BlockBytes {
			return errEnough
		}
		return nil
	})
	switch {
	case errors.Is(err, errEnough):
	case err != nil:
		return false, err
	case next < end:
		return false, layout.Inconsistent(next, "missing, %d is applied", v.Applied)
	}
	k.rest()
	return k.Len() > 0 && k.Size() >= k.Least, nil
}

func (k *packer) add(v *check.Reader, r layout.Record) error {
	value, err := v.Mark(r.Index)
	if err != nil {
		return err
	}
	if value == nil {
		return k.Add(r, cold.Mark{})
	}
	m, err := layout.DecodeBatchMark(r.Index, value)
	if err != nil {
		return err
	}
	return k.Add(r, cold.Mark{Batch: true, Hidden: m.Hidden, Time: m.Time})
}

// write writes the parts of the block, and then, at once, all else that changes.
func (k *packer) write(ctx context.Context) error {
	db := k.log.db
	if err := db.removeLeftovers(); err != nil {
		return err
	}
	err := cold.Cut(k.Head.Last, k.Encoded, func(key, part []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := db.NewBatch()
		defer b.Close()
		db.must(b.Set(key, part, nil))
		db.commit(b, pebble.NoSync)
		k.rest()
		return nil
	})
	if err != nil {
		return err
	}
	b := db.NewBatch()
	defer b.Close()
	if err := k.replace(b); err != nil {
		return err
	}
	db.frozen.Store(k.Head.Last) // before a reader can miss an entry
	db.commit(b, pebble.Sync)
	k.rest()
	return nil
}

// replace puts the keys of the block in place of those of its entries.
func (k *packer) replace(b *pebble.Batch) error {
	db, last := k.log.db, k.Head.Last
	total, err := totalAt(k.log, last)
	if err != nil {
		return err
	}
	marks := cold.EncodeMarks(k.Head.Before, k.Marks)
	k.Head.Stored = uint64(k.Head.Size) + uint64(len(marks))
	it, err := db.iterate(layout.SpanBounds(layout.SpanIndex))
	if err != nil {
		return err
	}
	defer it.Close()
	for of, entries := range k.Holds {
		key, value := of.StripeKey(last), cold.AppendPositions(nil, last, entries)
		db.must(b.Set(key, value, nil))
		k.Head.Stored += uint64(len(key) + len(value))
		if err := db.deleteKeys(b, it, of.IndexKey(0), of.IndexKey(last+1)); err != nil {
			return err
		}
	}
	k.Head.Total += k.Head.Stored
	db.must(b.Set(cold.Key(cold.SpanHead, last), k.Head.Encode(), nil))
	db.must(b.Set(cold.Key(cold.SpanMarks, last), marks, nil))
	for _, span := range []byte{layout.SpanBatch, layout.SpanEntry, layout.SpanSize} {
		db.must(b.DeleteRange(layout.Indexed(span, 0), layout.Indexed(span, last+1), nil))
	}
	db.setNumber(b, layout.Indexed(layout.SpanSize, last), total)
	return nil
}

// totalAt returns the total up to and including an applied entry: that of the next size mark, or of the log's end, less
// what lies between.
func totalAt(l *Log, index uint64) (uint64, error) {
	l.boundsMu.Lock()
	defer l.boundsMu.Unlock()
	l.mu.RLock()
	total, last := l.total, l.last
	l.mu.RUnlock()
	_, upper := layout.SpanBounds(layout.SpanSize)
	it, err := l.db.iterate(layout.Indexed(layout.SpanSize, index), upper)
	if err != nil {
		return 0, err
	}
	defer it.Close()
	if it.First() {
		if last, total, err = layout.ParseSizeMark(it); err != nil {
			return 0, err
		}
	}
	if err := layout.Damaged(it.Error()); err != nil {
		return 0, err
	}
	entries, err := l.db.iterate(layout.Indexed(layout.SpanEntry, index+1), layout.Indexed(layout.SpanEntry, last+1))
	if err != nil {
		return 0, err
	}
	defer entries.Close()
	for ok := entries.First(); ok; ok = entries.Next() {
		v, err := entries.ValueAndErr()
		if err != nil {
			return 0, layout.Damaged(err)
		}
		total -= uint64(len(v))
	}
	return total, layout.Damaged(entries.Error())
}
