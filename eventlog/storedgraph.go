package eventlog

import (
	"errors"
	"fmt"

	"hpfriends/eventlog/auditchain"
)

// A stored graph saves a reader from applying every change since the beginning. It is a blob of SpaceGraph, whose head
// is hash (32) | number u64 | time u64 of the audit event at its index; what it holds is graph's to decode. The newest
// is kept, and of the older ones the first in each span of events, so that the graph as of any position is never far
// from a stored one.

// StoredEvery is how many events lie between two stored graphs that are kept, about.
const StoredEvery = 1 << 16

// StoredGraph is the head of a stored graph.
type StoredGraph struct {
	AuditMark // of its newest change
	parts     uint32
}

// StoredGraphs are the graphs that are stored beside the audit.
type StoredGraphs struct{ db *store }

// StoredGraphs returns the stored graphs.
func (l *Log) StoredGraphs() StoredGraphs { return StoredGraphs{l.db} }

// Store writes an encoded graph, of the event at m, and removes those that are not kept any more: of those before it,
// the first in each span of every events stays. It may run beside the FSM, in one goroutine at a time.
func (g StoredGraphs) Store(m AuditMark, data []byte, every uint64) error {
	old, err := g.List()
	if err != nil {
		return err
	}
	u := g.db.beginUpdate()
	span := uint64(0)
	for _, s := range old {
		if s.Index < m.Index && s.Number/every > span {
			span = s.Number / every
			continue
		}
		u.dropBlob(SpaceGraph, s.Index)
	}
	u.putBlob(SpaceGraph, m.Index, m.Encode(), data)
	return u.Commit()
}

// List returns the heads of the stored graphs, oldest first.
func (g StoredGraphs) List() ([]StoredGraph, error) {
	blobs, err := g.db.blobs(SpaceGraph)
	all := make([]StoredGraph, 0, len(blobs))
	for _, b := range blobs {
		if len(b.head) != auditchain.MarkSize {
			return nil, fmt.Errorf("eventlog: the head of stored graph #%d holds %d bytes, want %d",
				b.index, len(b.head), auditchain.MarkSize)
		}
		m, err := auditchain.DecodeMark(b.index, b.head)
		if err != nil {
			return nil, err
		}
		all = append(all, StoredGraph{m, b.parts})
	}
	return all, err
}

// Newest returns the newest stored graph at or below index, and what it holds. ok is false if there is none.
func (g StoredGraphs) Newest(index uint64) (s StoredGraph, data []byte, ok bool, err error) {
	all, err := g.List()
	for i := len(all) - 1; i >= 0 && err == nil; i-- {
		if s = all[i]; s.Index > index {
			continue
		}
		data, err = g.Data(s)
		if errors.Is(err, ErrNotFound) { // removed meanwhile; what it was kept for is not far below
			err = nil
			continue
		}
		return s, data, err == nil, err
	}
	return StoredGraph{}, nil, false, err
}

// Data returns what a stored graph holds, or ErrNotFound if it has been removed.
func (g StoredGraphs) Data(s StoredGraph) ([]byte, error) {
	return g.db.blobData(SpaceGraph, s.Index, s.parts)
}

// Scan calls fn for the records of a stored graph, as they are in SpaceGraph.
func (g StoredGraphs) Scan(s StoredGraph, fn func(k, v []byte) error) error {
	return errors.Join(
		g.db.scanSpace(SpaceGraph, headKey(s.Index), headKey(s.Index+1), fn),
		g.db.scanSpace(SpaceGraph, partKey(s.Index, 0), partKey(s.Index+1, 0), fn),
	)
}
