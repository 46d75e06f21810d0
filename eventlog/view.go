package eventlog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2"
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
	c := verifier{snapshot: v.snapshot}
	err := c.load()
	if err == nil {
		v.Floor, v.Applied = c.Floor, c.Applied
		v.Newest, err = newestTime(v.snapshot)
	}
	cut, errCut := c.value(keyTruncated)
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

// Entries calls fn for the entries from..to, until its first error. What fn is given is its own.
func (v *View) Entries(ctx context.Context, from, to uint64, fn func(Stored) error) error {
	c := verifier{ctx: ctx, snapshot: v.snapshot}
	next := from
	err := c.each(indexed(spanEntry, from), indexed(spanEntry, to+1), 64, func(it *pebble.Iterator) error {
		index, ok := entryKey(it.Key())
		if !ok || index != next {
			return inconsistent(next, "missing, the next key is %x", it.Key())
		}
		next++
		value, err := it.ValueAndErr()
		if err != nil {
			return damagedEntry(index, err)
		}
		r, err := decodeRecord(index, bytes.Clone(value))
		mark, errMark := c.value(indexed(spanBatch, index))
		if err = errors.Join(err, errMark); err != nil {
			return err
		}
		return fn(Stored{index, r.term, r.typ, r.appended, r.extensions, r.data, len(mark) > 0 && mark[0]&flagHidden != 0})
	})
	if err == nil && next <= to {
		err = inconsistent(next, "missing, %d is applied", v.Applied)
	}
	return err
}

// Close ends the view.
func (v *View) Close() error {
	defer v.log.db.Leave()
	return damaged(v.snapshot.Close())
}

// Scan is Log.Scan as of the view.
func (v *View) Scan(space Space, from, to []byte, fn func(k, v []byte) error) error {
	lower, upper := spaceBounds(space, from, to)
	it, err := iterate(v.snapshot, lower, upper)
	if err != nil {
		return err
	}
	return scan(it, func(k, v []byte) error { return fn(k[1:], v) })
}

// Digest reads the entries from..to from the disk, checks each with its marks and index keys as Verify does, and
// returns a hash of them: equal on two nodes whose logs and indexes are equal there. It is ErrBelowFloor when the view
// does not hold all of them.
func (v *View) Digest(ctx context.Context, from, to uint64) (sum [sha256.Size]byte, err error) {
	if from < v.Floor {
		return sum, ErrBelowFloor
	}
	c := verifier{ctx: ctx, snapshot: v.snapshot, packed: true, Summary: Summary{Floor: v.Floor, Applied: v.Applied}}
	h := sha256.New()
	next := from
	err = c.each(indexed(spanEntry, from), indexed(spanEntry, to+1), 64, func(it *pebble.Iterator) error {
		index, ok := entryKey(it.Key())
		if !ok || index != next {
			return inconsistent(next, "missing, the next key is %x", it.Key())
		}
		next++
		if err := c.entry(it, index); err != nil {
			return err
		}
		record, err := it.ValueAndErr()
		if err != nil {
			return damagedEntry(index, err)
		}
		mark, err := c.value(indexed(spanBatch, index))
		if err != nil {
			return err
		}
		h.Write(binary.BigEndian.AppendUint64(nil, index))
		h.Write(record[:4]) // the checksum of all of it, which entry has checked
		h.Write(mark)
		return nil
	})
	if err == nil && next != to+1 {
		err = inconsistent(next, "missing, %d is applied", to)
	}
	h.Sum(sum[:0])
	return sum, err
}
