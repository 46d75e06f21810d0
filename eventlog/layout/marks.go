package layout

import (
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/block"
)

// BatchMark is the value of a 'B' key.
type BatchMark struct {
	Hidden bool
	Time   int64 // unix milliseconds, the newest of any batch so far
}

// ParseBatchMark decodes the mark at hand.
func ParseBatchMark(it *pebble.Iterator) (uint64, BatchMark, error) {
	index, ok := ParseIndexKey(it.Key()[1:])
	if !ok {
		return 0, BatchMark{}, fmt.Errorf("eventlog: malformed batch key %x", it.Key())
	}
	v, err := it.ValueAndErr()
	if err != nil {
		return 0, BatchMark{}, DamagedEntry(index, err)
	}
	m, err := DecodeBatchMark(index, v)
	return index, m, err
}

// Encode returns the value of the mark's key.
func (m BatchMark) Encode() []byte {
	flags := byte(0)
	if m.Hidden {
		flags = FlagHidden
	}
	return binary.BigEndian.AppendUint64([]byte{flags}, uint64(m.Time))
}

// DecodeBatchMark decodes the mark of a batch.
func DecodeBatchMark(index uint64, v []byte) (BatchMark, error) {
	if len(v) != 9 || v[0]&^FlagHidden != 0 {
		return BatchMark{}, Corrupt(index, "mark %x", v)
	}
	return BatchMark{Hidden: v[0]&FlagHidden != 0, Time: int64(binary.BigEndian.Uint64(v[1:]))}, nil
}

// ParseSizeMark decodes the size mark at hand.
func ParseSizeMark(it *pebble.Iterator) (at, total uint64, err error) {
	at, ok := ParseIndexKey(it.Key()[1:])
	if !ok {
		return 0, 0, fmt.Errorf("eventlog: malformed size key %x", it.Key())
	}
	v, err := it.ValueAndErr()
	if err != nil {
		return 0, 0, DamagedEntry(at, err)
	}
	if len(v) != 8 {
		return 0, 0, Corrupt(at, "size mark %x", v)
	}
	return at, binary.BigEndian.Uint64(v), nil
}

// EntryIndex is the index in the key of an entry; ok is false for another key.
func EntryIndex(key []byte) (index uint64, ok bool) {
	if len(key) == 0 || key[0] != SpanEntry {
		return 0, false
	}
	return ParseIndexKey(key[1:])
}

// ColdRecord is an entry of a block.
func ColdRecord(e *block.Entry) Record {
	return Record{Index: e.Index, Term: e.Term, Type: e.Type, Appended: Instant(e.Appended), Extensions: e.Extensions,
		Data: e.Data, Batch: e.Batch}
}

// Iterate opens an iterator over [lower, upper).
func Iterate(r pebble.Reader, lower, upper []byte) (*pebble.Iterator, error) {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, Damaged(err)
	}
	return it, nil
}
