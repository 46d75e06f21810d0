package eventlog

import (
	"context"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/check"
	"hpfriends/eventlog/cold"
	"hpfriends/eventlog/layout"
	"hpfriends/eventlog/mend"
)

// Damaged is a block of old entries that a reader, Verify or Scrub has found damaged, and what they found.
type Damaged = cold.Damaged

// ErrUnproven is what Restore returns for entries that it cannot know to be right.
var ErrUnproven = mend.ErrUnproven

// Damaged returns the blocks that are known to be damaged, and what is closed when another is found.
func (c Cold) Damaged() ([]Damaged, <-chan struct{}) { return c.log.db.cache.Damage().All() }

// Repairing says that somebody calls Restore for what is damaged, until end is called. Raft waits for them.
func (c Cold) Repairing() (end func()) { return c.log.db.cache.Damage().Repairing() }

// Inspect reads a block that was found damaged once more, all of it, from the disk. When it is sound, or gone, it is no
// longer known as damaged.
func (c Cold) Inspect(ctx context.Context, last uint64) error {
	db := c.log.db
	err := checked(c.log, func(snapshot *pebble.Snapshot) error {
		v, err := check.NewReader(ctx, snapshot)
		if err != nil {
			return err
		}
		h, ok, err := v.ColdBlocks().At(last)
		if err != nil || !ok || h.Last < v.Floor {
			return layout.DamagedBlock(last, err)
		}
		return v.Block(&h)
	})
	if err == nil {
		db.cache.Sound(last)
	}
	return db.noted(err)
}

// Restore puts a block, made of what its entries are said to be, in the place of one that is damaged. Without proven
// that is refused with ErrUnproven unless the block has the checksum that the damaged one had. It ends with Inspect. A
// crash leaves the block damaged as it was, damaged in another way, or sound.
func (c Cold) Restore(ctx context.Context, last uint64, entries []Stored, proven bool) error {
	if !c.log.db.Enter() {
		return ErrClosed
	}
	defer c.log.db.Leave()
	if err := c.restore(ctx, last, entries, proven); err != nil {
		return err
	}
	return c.Inspect(ctx, last)
}

func (c Cold) restore(ctx context.Context, last uint64, entries []Stored, proven bool) error {
	l := c.log
	l.packing.Lock()
	defer l.packing.Unlock()
	if err := l.db.failure.Err(); err != nil {
		return err
	}
	h, ok, err := l.db.blocks().At(last)
	if err == nil && (!ok || h.Last != last) {
		err = ErrNotFound
	}
	if err != nil {
		return layout.DamagedBlock(last, err)
	}
	m := mend.NewMaker(h.First, h.Before)
	for i := range entries {
		e := &entries[i]
		r := layout.Record{Index: e.Index, Term: e.Term, Type: e.Type, Appended: e.Appended, Extensions: e.Extensions,
			Data: e.Data}
		if err := m.Again(r, e.Hidden); err != nil {
			return err
		}
	}
	if err := m.Encode(func() {}); err != nil {
		return err
	}
	r := mend.Restoration{Store: l.db.files, Blocks: l.db.blocks(), Head: h, Floor: l.Floor()}
	if err := r.Parts(ctx, m, proven); err != nil {
		return err
	}
	b := l.db.NewBatch()
	defer b.Close()
	if err := r.Keys(ctx, m, b); err != nil {
		return err
	}
	l.db.commit(b, pebble.Sync)
	l.db.cache.Sound(last)
	return nil
}

// DamagedBlock is the last entry of the block that an error says is damaged, 0 if it is about something else.
func DamagedBlock(err error) uint64 {
	h, _ := layout.DamagedIn(err)
	return h.Last
}

// noted remembers the block that an error says is damaged.
func (s *store) noted(err error) error {
	if h, ok := layout.DamagedIn(err); ok {
		s.cache.Damage().Add(&h, err)
	}
	return err
}
