package eventlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/cold"
	"hpfriends/eventlog/layout"
)

// Reclaim frees the space of what lies below the floor: entries, marks and index keys. Nothing below the floor is
// visible, so it may be interrupted and repeated, and nodes may do it at different times. The audit and the other
// projections are not touched. Pebble gives the space back to the disk within seconds.
func (r Retention) Reclaim() error {
	if !r.log.db.Enter() {
		return ErrClosed
	}
	defer r.log.db.Leave()
	r.log.packing.Lock()
	defer r.log.packing.Unlock()
	floor := r.log.Floor()
	// Index keys first: when it is interrupted, what is left can still be found by the directory.
	if err := r.reclaimSeries(floor); err != nil {
		return err
	}
	freed, mark, err := r.reclaimable(floor)
	if err != nil {
		return err
	}
	b := r.log.db.NewBatch()
	defer b.Close()
	for _, span := range spansBelow {
		r.log.db.must(b.DeleteRange(layout.Indexed(span, 0), layout.Indexed(span, floor), nil))
	}
	r.log.db.must(b.DeleteRange(layout.Indexed(layout.SpanSize, 0), layout.Indexed(layout.SpanSize, mark), nil))
	r.log.db.commit(b, pebble.NoSync)
	r.log.reclaimed.Add(freed)
	return r.compactBelow(floor)
}

// spansBelow are the spans that Reclaim removes below the floor: of entries, and of blocks by their last entry.
var spansBelow = []byte{layout.SpanBatch, layout.SpanEntry, cold.SpanHead, cold.SpanMarks, cold.SpanPart}

// compactBelow gives the space back. Pebble alone drops a table when all of it is deleted, and leaves the others until
// something else is written there, which in a log is never: with 400 MB written and 16 MB kept, 50 MB stayed. (Not
// Excise: it would take entries from under Verify's snapshot, and be durable before the floor is. Not
// FlushDelayDeleteRange: it would flush after each truncation too, and its timer panics when it meets a WAL that has
// failed.)
func (r Retention) compactBelow(floor uint64) error {
	for _, span := range spansBelow {
		lower, upper := layout.Indexed(span, 0), layout.Indexed(span, floor)
		if err := r.log.db.Compact(context.Background(), lower, upper, false); err != nil {
			return layout.Damaged(err)
		}
	}
	return nil
}

// reclaimable is how many bytes of records lie below floor, and the newest size mark there, which has to stay: the size
// of the retained log counts from it.
func (r Retention) reclaimable(floor uint64) (bytes, mark uint64, err error) {
	it, err := r.log.db.iterate(layout.Indexed(layout.SpanEntry, 0), layout.Indexed(layout.SpanEntry, floor))
	if err != nil {
		return 0, 0, err
	}
	defer it.Close()
	blocks := uint64(0)
	err = r.log.db.blocks().Each(0, func(h cold.Head) error {
		if h.Last >= floor {
			return io.EOF
		}
		blocks += h.Stored
		return nil
	})
	if err != nil {
		return 0, 0, layout.DamagedBlock(0, err)
	}
	mark, upto, err := r.log.db.sizeMark(floor - 1)
	if err != nil || !it.First() {
		return blocks, mark, errors.Join(err, layout.Damaged(it.Error()))
	}
	first, ok := ParseIndexKey(it.Key()[1:])
	if !ok {
		return 0, 0, fmt.Errorf("eventlog: malformed entry key %x", it.Key())
	}
	_, below, err := r.log.db.sizeMark(first - min(first, 1))
	return blocks + upto - below, mark, err
}

// reclaimSeries removes index keys, and series that have none left from the directory.
func (r Retention) reclaimSeries(floor uint64) error {
	const chunk = 256 // while one is removed, nothing is applied
	lower, upper := layout.SpanBounds(layout.SpanSeries)
	for lower != nil {
		all, next, err := r.seriesChunk(lower, upper, chunk)
		if err != nil {
			return err
		}
		if err := r.reclaimChunk(all, floor); err != nil {
			return err
		}
		lower = next
	}
	return nil
}

// seriesChunk returns up to n series, and the key to go on with or nil.
func (r Retention) seriesChunk(lower, upper []byte, n int) (all []layout.Series, next []byte, err error) {
	it, err := r.log.db.iterate(lower, upper)
	if err != nil {
		return nil, nil, err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		if len(all) == n {
			return all, bytes.Clone(it.Key()), nil
		}
		of, ok := layout.ParseSeriesKey(it.Key())
		if !ok {
			return nil, nil, fmt.Errorf("eventlog: malformed key %x in the directory", it.Key())
		}
		all = append(all, of)
	}
	return all, nil, layout.Damaged(it.Error())
}

func (r Retention) reclaimChunk(all []layout.Series, floor uint64) error {
	it, err := r.log.db.iterate([]byte{layout.SpanIndex}, []byte{layout.SpanStripe + 1})
	if err != nil {
		return err
	}
	defer it.Close()
	b := r.log.db.NewBatch()
	defer b.Close()
	// No Tx may bring a series back between the look at the directory and the commit.
	r.log.directory.Lock()
	defer r.log.directory.Unlock()
	for _, of := range all {
		newest, err := r.log.db.get(of.Key())
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		stripes := of.StripeKey(floor)
		if bytes.Compare(newest, IndexKey(floor)) < 0 {
			r.log.db.must(b.Delete(of.Key(), nil))
			stripes = of.StripeKey(math.MaxUint64) // that of the block which holds the floor too
		}
		err = errors.Join(r.log.db.deleteKeys(b, it, of.IndexKey(0), of.IndexKey(floor)),
			r.log.db.deleteKeys(b, it, of.StripeKey(0), stripes))
		if err != nil {
			return err
		}
	}
	r.log.db.commit(b, pebble.NoSync)
	return nil
}

// deleteKeys deletes the keys in [lower, upper): a few one by one, since a range that is deleted costs whoever reads
// near it, and most series have few keys.
func (s *store) deleteKeys(b *pebble.Batch, it *pebble.Iterator, lower, upper []byte) error {
	const few = 16
	n := 0
	for ok := it.SeekGE(lower); ok && bytes.Compare(it.Key(), upper) < 0; ok = it.Next() {
		if n++; n > few {
			s.must(b.DeleteRange(lower, upper, nil))
			break
		}
		s.must(b.Delete(it.Key(), nil))
	}
	return layout.Damaged(it.Error())
}
