package eventlog

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A stored graph saves a reader from applying every change since the beginning. What it holds is graph's to decode.
//
//	SpaceGraph: 'h' | index u64             -> parts u32 | hash (32) | number u64 | time u64     of the audit event at index
//	SpaceGraph: 'p' | index u64 | part u32  -> up to partSize bytes of the encoded graph
//
// All records of one are written in one batch, so it is there whole or not at all. The newest is kept, and of the older ones
// the first in each span of events, so that the graph as of any position is never far from a stored one.
const (
	partSize  = 1 << 20
	graphHead = 'h'
	graphPart = 'p'
)

// StoredEvery is how many events lie between two stored graphs that are kept, about.
const StoredEvery = 1 << 16

// StoredGraph is the head of a stored graph.
type StoredGraph struct {
	AuditMark // of its newest change
	parts     uint32
}

func headKey(index uint64) []byte { return binary.BigEndian.AppendUint64([]byte{graphHead}, index) }

func partKey(index uint64, part uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64([]byte{graphPart}, index), part)
}

// StoreGraph writes an encoded graph, of the event at m, and removes those that are not kept any more: of those before it,
// the first in each span of every events stays. It may run beside the FSM. One goroutine at a time.
func (l *Log) StoreGraph(m AuditMark, data []byte, every uint64) error {
	old, err := l.StoredGraphs()
	if err != nil {
		return err
	}
	tx := l.BeginAside()
	span := uint64(0)
	for _, s := range old {
		if s.Index < m.Index && s.Number/every > span {
			span = s.Number / every
			continue
		}
		tx.dropGraph(s)
	}
	parts := uint32(0)
	for ; len(data) > 0; parts++ {
		n := min(len(data), partSize)
		tx.Put(SpaceGraph, partKey(m.Index, parts), data[:n])
		data = data[n:]
	}
	tx.Put(SpaceGraph, headKey(m.Index), append(binary.BigEndian.AppendUint32(nil, parts), m.encode()...))
	return tx.CommitAside()
}

func (t *Tx) dropGraph(s StoredGraph) {
	t.Delete(SpaceGraph, headKey(s.Index))
	t.DeleteRange(SpaceGraph, partKey(s.Index, 0), partKey(s.Index+1, 0))
}

// StoredGraphs are the stored graphs, oldest first.
func (l *Log) StoredGraphs() ([]StoredGraph, error) {
	var all []StoredGraph
	err := l.Scan(SpaceGraph, []byte{graphHead}, []byte{graphHead + 1}, func(k, v []byte) error {
		index, ok := ParseIndexKey(k[1:])
		if !ok || len(v) != 4+auditMarkSize {
			return fmt.Errorf("eventlog: head %x of a stored graph holds %d bytes, want %d", k, len(v), 4+auditMarkSize)
		}
		m, err := decodeAuditMark(index, v[4:])
		all = append(all, StoredGraph{m, binary.BigEndian.Uint32(v)})
		return err
	})
	return all, err
}

// NewestStoredGraph is the newest stored graph at or below index, and what it holds. ok is false if there is none.
func (l *Log) NewestStoredGraph(index uint64) (s StoredGraph, data []byte, ok bool, err error) {
	all, err := l.StoredGraphs()
	for i := len(all) - 1; i >= 0 && err == nil; i-- {
		if s = all[i]; s.Index > index {
			continue
		}
		data, err = l.StoredGraphData(s)
		if errors.Is(err, ErrNotFound) { // removed meanwhile; what it was kept for is not far below
			err = nil
			continue
		}
		return s, data, err == nil, err
	}
	return StoredGraph{}, nil, false, err
}

// StoredGraphData is what a stored graph holds, or ErrNotFound if it has been removed.
func (l *Log) StoredGraphData(s StoredGraph) ([]byte, error) {
	var data []byte
	for p := range s.parts {
		v, err := l.Get(SpaceGraph, partKey(s.Index, p))
		if err != nil {
			return nil, fmt.Errorf("eventlog: stored graph #%d, part %d of %d: %w", s.Index, p+1, s.parts, err)
		}
		data = append(data, v...)
	}
	return data, nil
}
