package check

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/block"
	"hpfriends/eventlog/cold"
	"hpfriends/eventlog/entry"
	"hpfriends/eventlog/layout"
)

// blocks checks each block of which something is retained.
func (v *Reader) blocks() error {
	next := uint64(0)
	err := v.ColdBlocks().Each(v.Floor, func(h cold.Head) error {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		if h.First != next && next != 0 || h.First > max(next, v.Floor) {
			return layout.Inconsistent(max(next, v.Floor), "missing, the next block is #%d to #%d", h.First, h.Last)
		}
		next = h.Last + 1
		if v.progress != nil {
			v.progress(h.Last)
		}
		v.Last = h.Last
		v.Blocks++
		return v.Block(&h)
	})
	if err == nil && v.cold.Last > v.Applied {
		err = layout.Inconsistent(v.cold.Last, "in a block, applied is %d", v.Applied)
	}
	return layout.DamagedBlock(0, err)
}

// Block checks a block: all its bytes, each entry with its mark, and its stripes in both directions.
func (v *Reader) Block(h *cold.Head) error {
	err := v.block(h)
	if _, named := layout.DamagedIn(err); !named && layout.IsDamage(err) {
		return &cold.DamageError{Head: *h, Err: err}
	}
	return err
}

func (v *Reader) block(h *cold.Head) error {
	if err := v.ColdBlocks().Check(h); err != nil {
		// What says more about the place is preferred.
		if _, errEntries := v.ColdBlocks().Entries(h); errEntries != nil {
			err = errEntries
		}
		return layout.DamagedBlock(0, err)
	}
	all, err := v.ColdBlocks().Entries(h)
	if err != nil {
		return layout.DamagedBlock(0, err)
	}
	marks, err := v.ColdBlocks().Marks(h)
	if err != nil {
		return layout.DamagedBlock(0, err)
	}
	holds := make(map[layout.Series][]uint64)
	raw := uint32(0)
	for i := range all {
		e := &all[i]
		if e.Batch == nil && marks[i].Batch && !marks[i].Hidden {
			raw++
		}
		if err := v.coldEntry(e, marks[i], holds); err != nil {
			return err
		}
	}
	if raw != h.Raw {
		return layout.Inconsistent(h.Last, "%d batches of its block are in no stripe, the head says %d", raw, h.Raw)
	}
	for of, entries := range holds {
		if entries[len(entries)-1] >= v.Floor {
			v.wantCold++
		}
		value, err := v.Value(of.StripeKey(h.Last))
		if err != nil {
			return err
		}
		if entries[len(entries)-1] < v.Floor && value == nil {
			continue // Reclaim has removed the series
		}
		if !bytes.Equal(value, cold.AppendPositions(nil, h.Last, entries)) {
			return layout.Inconsistent(h.Last, "channel %q of user %d is not indexed in its block as it is there", of.Channel,
				of.Origin)
		}
	}
	return nil
}

// coldEntry checks an entry of a block and notes its series. What is below the floor is there and nobody's.
func (v *Reader) coldEntry(e *block.Entry, m cold.Mark, holds map[layout.Series][]uint64) error {
	r := layout.ColdRecord(e)
	if r.Term < v.term {
		return layout.Inconsistent(e.Index, "term %d after %d", r.Term, v.term)
	}
	v.term = r.Term
	if isBatch := r.Kind() == entry.KindBatch; isBatch != m.Batch || m.Hidden != e.Hidden || e.Hidden && !isBatch {
		return layout.Inconsistent(e.Index, "batch: %t, hidden: %t; marked as one: %t, as hidden: %t", isBatch, e.Hidden,
			m.Batch, m.Hidden)
	}
	retained := uint64(0)
	if e.Index >= v.Floor {
		retained = 1
	}
	v.Entries += retained
	v.Bytes += retained * uint64(len(r.Data)+len(r.Extensions)+layout.RecordHeader)
	if !m.Batch {
		return nil
	}
	if m.Time < v.time {
		return layout.Inconsistent(e.Index, "time %d after %d", m.Time, v.time)
	}
	v.time = m.Time
	if m.Hidden {
		v.Hidden += retained
		return nil
	}
	b := r.Batch
	if b == nil {
		var err error
		if b, err = entry.DecodeBatch(r.Data); err != nil {
			return &layout.CorruptError{Index: e.Index, Reason: "undecodable", Err: err}
		}
	}
	if m.Time < b.Time() {
		return layout.Inconsistent(e.Index, "time %d below the batch's %d", m.Time, b.Time())
	}
	v.Batches += retained
	v.Messages += retained * uint64(b.Messages())
	v.Bytes += retained * uint64(b.Raw)
	AddSeries(holds, e.Index, &b.Header)
	return nil
}

// AddSeries notes that an entry holds the series of its batch.
func AddSeries(holds map[layout.Series][]uint64, index uint64, h *entry.Header) {
	for i := range h.Runs {
		of := layout.Series{Channel: h.Runs[i].Channel, Origin: h.Runs[i].Origin}
		if all := holds[of]; len(all) == 0 || all[len(all)-1] != index {
			holds[of] = append(all, index)
		}
	}
}

// stripes checks the other direction, as index does: no stripe is there that no block calls for, and the directory
// knows the newest entry of a series that is in blocks alone.
func (v *Reader) stripes() error {
	var of layout.Series
	var newest, count uint64
	lower, upper := layout.SpanBounds(layout.SpanStripe)
	err := v.Each(lower, upper, 4096, func(it *pebble.Iterator) error {
		own, last, ok := layout.ParseSeriesIndex(it.Key())
		value, err := it.ValueAndErr()
		if err != nil {
			return layout.Damaged(err)
		}
		entries, err := cold.Positions(last, value)
		if !ok || err != nil || last > v.cold.Last {
			return layout.Inconsistent(last, "stripe %x holds %d bytes: %v", it.Key(), len(value), err)
		}
		if own != of {
			if err := v.coldDirectory(of, newest); err != nil {
				return err
			}
			of = own
		}
		if newest = entries[len(entries)-1]; newest >= v.Floor {
			count++
		}
		return nil
	})
	if err == nil {
		err = v.coldDirectory(of, newest)
	}
	if err == nil && count != v.wantCold {
		err = layout.Inconsistent(v.cold.Last, "%d stripes, the blocks call for %d", count, v.wantCold)
	}
	v.IndexKeys += count
	return err
}

// coldDirectory checks the directory for a series, unless it has keys of its own, by which it was checked.
func (v *Reader) coldDirectory(of layout.Series, newest uint64) error {
	it, err := layout.Iterate(v.snapshot, of.IndexKey(0), layout.After(of.IndexPrefix()))
	if err != nil {
		return err
	}
	defer it.Close()
	if it.First() || it.Error() != nil || newest < v.Floor {
		return layout.Damaged(it.Error())
	}
	return v.directory(of, newest)
}
