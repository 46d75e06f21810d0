package eventlog

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/layout"
)

// truncatedState is what is known of the last truncated entry, the one before the floor, which readers cannot have any
// more. Raft compares its term when it appends behind it, to itself or to a follower that got a snapshot there; and the
// newest time of a batch must not fall when all batches are gone.
//
//	'I' 'b'   index u64 | term u64 | time u64
//
// It is written with the floor. One that is not of the entry before the floor says nothing.
type truncatedState struct {
	index, term uint64
	time        int64 // the newest time of any batch so far; it may be of batches above index too
}

func (b truncatedState) encode() []byte {
	v := binary.BigEndian.AppendUint64(nil, b.index)
	v = binary.BigEndian.AppendUint64(v, b.term)
	return binary.BigEndian.AppendUint64(v, uint64(b.time))
}

func (s *store) truncated() (truncatedState, error) {
	v, err := s.get(layout.KeyTruncated)
	switch {
	case errors.Is(err, ErrNotFound):
		return truncatedState{}, nil
	case err != nil:
		return truncatedState{}, err
	case len(v) != 24:
		return truncatedState{}, fmt.Errorf("state %q has %d bytes, want 24", layout.KeyTruncated, len(v))
	}
	return truncatedState{
		index: binary.BigEndian.Uint64(v), term: binary.BigEndian.Uint64(v[8:]),
		time: int64(binary.BigEndian.Uint64(v[16:])),
	}, nil
}

// truncatedBelow is the truncatedState of a floor that is about to be set. When the entry before it is damaged or gone,
// nothing is known.
func (l *Log) truncatedBelow(floor uint64) truncatedState {
	if floor == 0 {
		return truncatedState{}
	}
	term, err := l.Term(floor - 1)
	if err != nil {
		return truncatedState{time: l.lastTime.Load()}
	}
	return truncatedState{floor - 1, term, l.lastTime.Load()}
}

func (s *store) setFloor(b *pebble.Batch, floor uint64, at truncatedState) {
	s.setNumber(b, layout.KeyFloor, floor)
	s.must(b.Set(layout.KeyTruncated, at.encode(), nil))
}

// baseTerm is the term of the entry before the floor, if index is that entry and its term is known.
func (l *Log) truncatedTerm(index uint64) (term uint64, ok bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.truncated.term, index > 0 && index == l.truncated.index && index == l.floor-1
}
