package check

import (
	"bytes"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/layout"
)

// beside are iterators that go along with the one over entries, and end with it: what belongs to an entry is mostly
// right behind what belonged to the one before. To look up each key on its own costs several times as much.
type beside struct{ marks, index *pebble.Iterator }

// Mark returns the mark of a batch, nil when there is none. It lasts until the next call.
func (v *Reader) Mark(index uint64) ([]byte, error) {
	return v.along(&v.beside.marks, layout.SpanBatch, layout.Indexed(layout.SpanBatch, index), true)
}

// indexed reports whether a series is indexed under an entry.
func (v *Reader) indexed(of layout.Series, index uint64) (bool, error) {
	key, err := v.along(&v.beside.index, layout.SpanIndex, of.IndexKey(index), false)
	return key != nil, err
}

// along returns the value of a key of a span, not nil if the key is there. With next it looks right behind the one
// before first: not for spans of which much has been deleted, since it would go through all of that.
func (v *Reader) along(at **pebble.Iterator, span byte, key []byte, next bool) (value []byte, err error) {
	it := *at
	if it == nil {
		lower, upper := layout.SpanBounds(span)
		if it, err = layout.Iterate(v.snapshot, lower, upper); err != nil {
			return nil, err
		}
		*at = it
	}
	is := func(ok bool) bool { return ok && bytes.Equal(it.Key(), key) }
	found := is(it.Valid())
	if !found && next && it.Valid() {
		found = is(it.Next())
	}
	if !found && it.Error() == nil {
		found = is(it.SeekGE(key))
	}
	if !found {
		if err := layout.Damaged(it.Error()); err != nil {
			*at = nil
			_ = it.Close() // it says the same
			return nil, err
		}
		return nil, nil
	}
	value, err = it.ValueAndErr()
	if value == nil {
		value = []byte{}
	}
	return value, layout.Damaged(err)
}

// end closes the iterators.
func (b *beside) end() (err error) {
	for _, at := range []**pebble.Iterator{&b.marks, &b.index} {
		if *at != nil {
			err = errors.Join(err, layout.Damaged((*at).Close()))
			*at = nil
		}
	}
	return err
}
