package mend

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/cold"
	"hpfriends/eventlog/layout"
)

// ErrUnproven says that a block which was made again has another checksum than the head remembers: it may be right, if
// another program packs otherwise.
var ErrUnproven = errors.New("the block made of it has another checksum than the one that is damaged")

// Restoration puts a block in the place of one that is damaged. Nothing else writes the keys of blocks meanwhile.
type Restoration struct {
	Store
	Blocks cold.Blocks
	Head   cold.Head // as the store has it
	Floor  uint64    // stripes that end below it may be gone
}

// Parts compares a block with the head and puts its parts where they differ or cannot be read. proven: what it was made
// of is right for another reason than the checksum.
func (r *Restoration) Parts(ctx context.Context, m *Maker, proven bool) error {
	h := &r.Head
	if m.Head.First != h.First || m.Head.Last != h.Last || m.Head.Time != h.Time {
		return layout.Inconsistent(h.First, "entries %d to %d until time %d, want %d to %d and %d", m.Head.First,
			m.Head.Last, m.Head.Time, h.First, h.Last, h.Time)
	}
	if !proven && (m.Head.Sum != h.Sum || m.Head.Size != h.Size) {
		return ErrUnproven
	}
	if r.same(m) {
		return nil
	}
	a, err := r.around()
	if err != nil {
		return err
	}
	lower, upper := behind(cold.Key(cold.SpanMarks, a.newest.Last)), []byte{layout.SpanSize}
	if a.before != nil {
		lower = behind(a.before.LastPart())
	}
	if a.after != nil {
		upper = cold.PartKey(a.after.Last, 0)
	}
	return r.Replace(ctx, lower, upper, func(set func(k, v []byte) error) error {
		return cold.Cut(h.Last, m.Encoded, set)
	})
}

// same reports whether all parts are there as they should be.
func (r *Restoration) same(m *Maker) bool {
	last := m.Head.LastPart()
	err := cold.Cut(m.Head.Last, m.Encoded, func(key, part []byte) error {
		if have, err := r.value(key); err != nil || !bytes.Equal(have, part) {
			return errors.Join(err, io.EOF)
		}
		return nil
	})
	return err == nil && bytes.Equal(last, r.Head.LastPart())
}

// Keys sets, in a batch, what is noted of a block and is not there as it should be. Marks that cannot be read it
// replaces at once.
func (r *Restoration) Keys(ctx context.Context, m *Maker, b *pebble.Batch) error {
	h := r.Head
	if h.Size, h.Sum, h.Raw = m.Head.Size, m.Head.Sum, m.Head.Raw; h != r.Head {
		if err := b.Set(cold.Key(cold.SpanHead, h.Last), h.Encode(), nil); err != nil {
			return err
		}
	}
	marks := cold.EncodeMarks(h.Before, m.Marks)
	err := r.set(b, cold.Key(cold.SpanMarks, h.Last), marks)
	if pebble.IsCorruptionError(err) {
		err = r.marks(ctx, marks)
	}
	if err != nil {
		return err
	}
	for of, entries := range m.Holds {
		if entries[len(entries)-1] < r.Floor {
			continue
		}
		if err := r.set(b, of.StripeKey(h.Last), cold.AppendPositions(nil, h.Last, entries)); err != nil {
			return err
		}
	}
	return nil
}

// marks replaces the marks.
func (r *Restoration) marks(ctx context.Context, marks []byte) error {
	a, err := r.around()
	if err != nil {
		return err
	}
	lower, upper := behind(cold.Key(cold.SpanHead, a.newest.Last)), cold.PartKey(a.oldest.Last, 0)
	if a.before != nil {
		lower = behind(cold.Key(cold.SpanMarks, a.before.Last))
	}
	if a.after != nil {
		upper = cold.Key(cold.SpanMarks, a.after.Last)
	}
	return r.Replace(ctx, lower, upper, func(set func(k, v []byte) error) error {
		return set(cold.Key(cold.SpanMarks, r.Head.Last), marks)
	})
}

// set sets a key that has another value.
func (r *Restoration) set(b *pebble.Batch, key, want []byte) error {
	have, err := r.value(key)
	if err != nil || have != nil && bytes.Equal(have, want) {
		return err
	}
	return b.Set(key, want, nil)
}

// value returns a copy, nil when the key is missing.
func (r *Restoration) value(key []byte) ([]byte, error) {
	v, closer, err := r.DB.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return append([]byte{}, v...), closer.Close()
}

// neighbours are blocks beside the one that is restored, nil when there is none, and the first and last of all.
type neighbours struct {
	before, after  *cold.Head
	oldest, newest cold.Head
}

func (r *Restoration) around() (a neighbours, err error) {
	first := func(into *cold.Head) func(cold.Head) error {
		return func(h cold.Head) error { *into = h; return io.EOF }
	}
	var before, after cold.Head
	if a.newest, err = r.Blocks.Last(); err == nil {
		err = r.Blocks.Each(0, first(&a.oldest))
	}
	if err == nil {
		err = r.Blocks.Each(r.Head.Last+1, first(&after))
	}
	if err == nil && r.Head.First > a.oldest.First {
		err = r.Blocks.Down(r.Head.First-1, first(&before))
	}
	if before.Last > 0 {
		a.before = &before
	}
	if after.Last > 0 {
		a.after = &after
	}
	return a, err
}

// behind is the smallest key above another.
func behind(key []byte) []byte { return append(key[:len(key):len(key)], 0) }
