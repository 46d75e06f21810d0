package raftfsm

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"hpfriends/eventlog"
	"hpfriends/graph"
)

// A stored graph saves the start from applying every change since the beginning.
//
//	SpaceGraph: index (8) | part (4) -> up to partSize bytes of the encoded graph
//	SpaceGraph: "newest"             -> index (8) | parts (4) | chain hash (32)
//
// All records of one are written in one batch, so it is there whole or not at all.
const partSize = 1 << 20

var keyNewestGraph = []byte("newest")

func graphPart(index uint64, part uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, index), part)
}

// storeGraph writes g and forgets the one stored before. It may run beside the FSM: g is immutable.
func storeGraph(log *eventlog.Log, g *graph.Graph, chain auditChain) error {
	data, err := g.MarshalBinary()
	if err != nil {
		return fmt.Errorf("raftfsm: encode graph: %w", err)
	}
	tx := log.BeginAside()
	if old, parts, _, err := newestGraph(log); err != nil {
		return err
	} else if old != g.Index() {
		for p := range parts {
			tx.Delete(eventlog.SpaceGraph, graphPart(old, p))
		}
	}
	parts := uint32(0)
	for ; len(data) > 0; parts++ {
		n := min(len(data), partSize)
		tx.Put(eventlog.SpaceGraph, graphPart(g.Index(), parts), data[:n])
		data = data[n:]
	}
	v := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, g.Index()), parts)
	tx.Put(eventlog.SpaceGraph, keyNewestGraph, append(v, chain[:]...))
	return tx.CommitAside()
}

func newestGraph(log *eventlog.Log) (index uint64, parts uint32, chain auditChain, err error) {
	v, err := log.Get(eventlog.SpaceGraph, keyNewestGraph)
	if errors.Is(err, eventlog.ErrNotFound) {
		return 0, 0, chain, nil
	}
	if err != nil {
		return 0, 0, chain, err
	}
	if len(v) != 12+sha256.Size {
		return 0, 0, chain, fmt.Errorf("raftfsm: stored graph's head holds %d bytes, want %d", len(v), 12+sha256.Size)
	}
	return binary.BigEndian.Uint64(v), binary.BigEndian.Uint32(v[8:]), auditChain(v[12:]), nil
}

func loadStoredGraph(log *eventlog.Log) (*graph.Graph, auditChain, error) {
	index, parts, chain, err := newestGraph(log)
	if err != nil || parts == 0 {
		return graph.New(), chain, err
	}
	var data []byte
	for p := range parts {
		v, err := log.Get(eventlog.SpaceGraph, graphPart(index, p))
		if err != nil {
			return nil, chain, fmt.Errorf("raftfsm: stored graph %d, part %d of %d: %w", index, p, parts, err)
		}
		data = append(data, v...)
	}
	g := new(graph.Graph)
	if err := g.UnmarshalBinary(data); err != nil {
		return nil, chain, fmt.Errorf("raftfsm: stored graph %d: %w", index, err)
	}
	return g, chain, nil
}
