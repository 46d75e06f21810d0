package eventlog

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// base is what is known of the entry before the floor, which readers cannot have any more. Raft compares its term when it
// appends behind it, to itself or to a follower that got a snapshot there; and the newest time of a batch must not fall when
// all batches are gone.
//
//	'I' 'b'   index u64 | term u64 | time u64
//
// It is written with the floor. One that is not of the entry before the floor says nothing.
type base struct {
	index, term uint64
	time        int64 // the newest time of any batch so far; it may be of batches above index too
}

func (b base) encode() []byte {
	v := binary.BigEndian.AppendUint64(nil, b.index)
	v = binary.BigEndian.AppendUint64(v, b.term)
	return binary.BigEndian.AppendUint64(v, uint64(b.time))
}

func (l *Log) loadBase() (base, error) {
	v, err := l.get(keyBase)
	switch {
	case errors.Is(err, ErrNotFound):
		return base{}, nil
	case err != nil:
		return base{}, err
	case len(v) != 24:
		return base{}, fmt.Errorf("state %q has %d bytes, want 24", keyBase, len(v))
	}
	return base{binary.BigEndian.Uint64(v), binary.BigEndian.Uint64(v[8:]), int64(binary.BigEndian.Uint64(v[16:]))}, nil
}

// baseAt is the base of a floor that is about to be set. When the entry before it is damaged or gone, nothing is known.
func (l *Log) baseAt(floor uint64) base {
	if floor == 0 {
		return base{}
	}
	term, err := l.Term(floor - 1)
	if err != nil {
		return base{time: l.lastTime.Load()}
	}
	return base{floor - 1, term, l.lastTime.Load()}
}

func (l *Log) setFloor(b *pebble.Batch, floor uint64, at base) {
	l.setNumber(b, keyFloor, floor)
	l.must(b.Set(keyBase, at.encode(), nil))
}

// baseTerm is the term of the entry before the floor, if index is that entry and its term is known.
func (l *Log) baseTerm(index uint64) (term uint64, ok bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.base.term, index > 0 && index == l.base.index && index == l.floor-1
}
