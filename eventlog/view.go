package eventlog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/check"
	"hpfriends/eventlog/cold"
	"hpfriends/eventlog/layout"
)

// View is the store as of one moment: of what is applied then, all of it and nothing else. It keeps on the disk what is
// removed meanwhile, so it is closed soon, and before the Log is.
type View struct {
	log            *Log
	snapshot       *pebble.Snapshot
	Floor, Applied uint64
	Newest         int64 // newest time of any batch, Unix milliseconds
}

// View takes one. Between a Commit and the next of the goroutine that applies, that goroutine knows what it shows.
func (l *Log) View() (*View, error) {
	if !l.db.Enter() {
		return nil, ErrClosed
	}
	v := &View{log: l, snapshot: l.db.NewSnapshot()}
	c, err := check.NewReader(context.Background(), v.snapshot)
	if err == nil {
		v.Floor, v.Applied = c.Floor, c.Applied
		v.Newest, err = newestTime(v.snapshot)
	}
	cut, errCut := c.Value(layout.KeyTruncated)
	if err = errors.Join(err, errCut); err != nil {
		return nil, errors.Join(err, v.Close())
	}
	if len(cut) == 24 {
		v.Newest = max(v.Newest, int64(binary.BigEndian.Uint64(cut[16:])))
	}
	return v, nil
}

// Stored is an entry as it is stored.
type Stored struct {
	Index, Term      uint64
	Type             byte // Raft's
	Appended         time.Time
	Extensions, Data []byte
	Hidden           bool // a batch that repeats another
}

// Entries calls fn for the entries from..to, until its first error. What fn is given is read-only.
func (v *View) Entries(ctx context.Context, from, to uint64, fn func(Stored) error) error {
	c, err := check.NewReader(ctx, v.snapshot)
	if err != nil {
		return err
	}
	next, err := v.cold(ctx, c, from, to, func(r layout.Record, m cold.Mark) error {
		return fn(Stored{r.Index, r.Term, r.Type, r.Appended, r.Extensions, r.Bytes(), m.Hidden})
	})
	if err != nil || next > to {
		return err
	}
	lower, upper := layout.Indexed(layout.SpanEntry, next), layout.Indexed(layout.SpanEntry, to+1)
	err = c.Each(lower, upper, 64, func(it *pebble.Iterator) error {
		index, ok := layout.EntryIndex(it.Key())
		if !ok || index != next {
			return layout.Inconsistent(next, "missing, the next key is %x", it.Key())
		}
		next++
		value, err := it.ValueAndErr()
		if err != nil {
			return layout.DamagedEntry(index, err)
		}
		r, err := layout.DecodeRecord(index, bytes.Clone(value))
		mark, errMark := c.Mark(index)
		if err = errors.Join(err, errMark); err != nil {
			return err
		}
		hidden := len(mark) > 0 && mark[0]&layout.FlagHidden != 0
		return fn(Stored{index, r.Term, r.Type, r.Appended, r.Extensions, r.Data, hidden})
	})
	if err == nil && next <= to {
		err = layout.Inconsistent(next, "missing, %d is applied", v.Applied)
	}
	return err
}

// cold calls fn for those of the entries from..to that blocks hold, and returns the first behind them.
func (v *View) cold(
	ctx context.Context, c *check.Reader, from, to uint64, fn func(layout.Record, cold.Mark) error,
) (next uint64, err error) {
	next = from
	for next <= to && err == nil {
		var h cold.Head
		var ok bool
		if err = ctx.Err(); err == nil {
			h, ok, err = c.ColdBlocks().At(next)
		}
		if err != nil || !ok {
			return next, layout.DamagedBlock(next, err)
		}
		all, err := v.log.db.cache.Entries(c.ColdBlocks(), &h)
		if err != nil {
			return next, layout.DamagedBlock(next, err)
		}
		if to > h.Last {
			v.log.db.readAhead(h.Last + 1)
		}
		marks, err := v.log.db.cache.Marks(c.ColdBlocks(), &h)
		if err != nil {
			return next, layout.DamagedBlock(next, err)
		}
		for ; next <= min(to, h.Last); next++ {
			if err := fn(layout.ColdRecord(&all[next-h.First]), marks[next-h.First]); err != nil {
				return next, err
			}
		}
	}
	return next, err
}

// Close ends the view.
func (v *View) Close() error {
	defer v.log.db.Leave()
	return layout.Damaged(v.snapshot.Close())
}

// Scan is Log.Scan as of the view.
func (v *View) Scan(space Space, from, to []byte, fn func(k, v []byte) error) error {
	lower, upper := spaceBounds(space, from, to)
	it, err := layout.Iterate(v.snapshot, lower, upper)
	if err != nil {
		return err
	}
	return scan(it, func(k, v []byte) error { return fn(k[1:], v) })
}

// Digest reads the entries from..to from the disk, checks those that no block holds as Verify does, and returns a hash
// of what they say: equal on two nodes whose logs and indexes are equal there, however they store them. It is
// ErrBelowFloor when the view does not hold all of them.
func (v *View) Digest(ctx context.Context, from, to uint64) (sum [sha256.Size]byte, err error) {
	if from < v.Floor {
		return sum, ErrBelowFloor
	}
	c, err := check.NewReader(ctx, v.snapshot)
	if err != nil {
		return sum, err
	}
	c.Packed = true
	h := sha256.New()
	add := func(r *layout.Record, mark []byte) {
		h.Write(binary.BigEndian.AppendUint64(nil, r.Index))
		h.Write(binary.BigEndian.AppendUint32(nil, r.Content()))
		h.Write(mark)
	}
	next, err := v.cold(ctx, c, from, to, func(r layout.Record, m cold.Mark) error {
		var mark []byte
		if m.Batch {
			mark = layout.BatchMark{Hidden: m.Hidden, Time: m.Time}.Encode()
		}
		add(&r, mark)
		return nil
	})
	if err != nil || next > to {
		h.Sum(sum[:0])
		return sum, err
	}
	lower, upper := layout.Indexed(layout.SpanEntry, next), layout.Indexed(layout.SpanEntry, to+1)
	err = c.Each(lower, upper, 64, func(it *pebble.Iterator) error {
		index, ok := layout.EntryIndex(it.Key())
		if !ok || index != next {
			return layout.Inconsistent(next, "missing, the next key is %x", it.Key())
		}
		next++
		if err := c.Entry(it, index); err != nil {
			return err
		}
		value, err := it.ValueAndErr()
		if err != nil {
			return layout.DamagedEntry(index, err)
		}
		r, err := layout.DecodeRecord(index, value)
		if err != nil {
			return err
		}
		mark, err := c.Mark(index)
		if err != nil {
			return err
		}
		add(&r, mark)
		return nil
	})
	if err == nil && next != to+1 {
		err = layout.Inconsistent(next, "missing, %d is applied", to)
	}
	h.Sum(sum[:0])
	return sum, err
}
