package eventlog

import (
	"github.com/cockroachdb/pebble/v2"
)

// writes collects keys of projections.
type writes struct {
	db    *store
	batch *pebble.Batch
}

// Put sets a key of a projection. Both slices are copied.
func (w *writes) Put(space Space, key, value []byte) {
	w.db.must(w.batch.Set(spaceKey(space, key), value, nil))
}

// Delete removes a key of a projection.
func (w *writes) Delete(space Space, key []byte) {
	w.db.must(w.batch.Delete(spaceKey(space, key), nil))
}

// DeleteRange removes the keys of a projection in [from, to); a nil to means to the end of the space.
func (w *writes) DeleteRange(space Space, from, to []byte) {
	lower, upper := spaceBounds(space, from, to)
	w.db.must(w.batch.DeleteRange(lower, upper, nil))
}

// Discard drops what was collected.
func (w *writes) Discard() { _ = w.batch.Close() }

// Update collects keys of projections that are written outside the order of the log, from any goroutine: for what is
// derived from an immutable state and carries its own index, such as a stored graph. End it with Commit or Discard.
type Update struct{ writes }

// BeginUpdate starts an Update.
func (l *Log) BeginUpdate() *Update { return l.db.beginUpdate() }

func (s *store) beginUpdate() *Update { return &Update{writes{s, s.NewBatch()}} }

// Commit writes the keys at once, synced, and leaves Applied alone.
func (u *Update) Commit() error {
	defer u.Discard()
	if !u.db.Enter() {
		return ErrClosed
	}
	defer u.db.Leave()
	u.db.commit(u.batch, pebble.Sync)
	return nil
}
