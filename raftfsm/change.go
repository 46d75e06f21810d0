package raftfsm

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/graph"
)

// auditChain is the hash of the newest audit event. Each event carries H(previous hash, index, command), so that an
// altered, missing or reordered one is found.
type auditChain [sha256.Size]byte

// AuditEvent is one accepted change, kept in eventlog.SpaceAudit under its index (8 bytes, big endian) for ever.
//
//	chain hash (32) | command as JSON
type AuditEvent struct {
	Index   uint64
	Hash    [sha256.Size]byte
	Command graph.Command
}

func (c auditChain) next(index uint64, command []byte) auditChain {
	h := sha256.New()
	h.Write(c[:])
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], index)
	h.Write(b[:])
	h.Write(command)
	return auditChain(h.Sum(nil))
}

func encodeChange(c graph.Command) ([]byte, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("raftfsm: encode change: %w", err)
	}
	return append([]byte{byte(eventlog.KindChange)}, body...), nil
}

// applyChange decides a change. A refusal is the response; success adds a version, which readers meet in the log.
func (f *FSM) applyChange(tx *eventlog.Tx, l *raft.Log) (any, error) {
	body := l.Data[1:]
	var c graph.Command
	if err := json.Unmarshal(body, &c); err != nil {
		return nil, fmt.Errorf("decode change: %w", err)
	}
	newest := f.version.Load()
	g, outcome, err := newest.Graph.Apply(l.Index, c)
	if err != nil {
		return changeResult{err: err}, nil
	}
	f.audit = f.audit.next(l.Index, body)
	key := binary.BigEndian.AppendUint64(nil, l.Index)
	tx.Put(eventlog.SpaceAudit, key, append(f.audit[:len(f.audit):len(f.audit)], body...))
	f.version.Store(newest.Append(g, l.Index, c.Op))
	f.cursors.follow(l.Index, c.Op, newest.Graph)
	return changeResult{outcome: outcome}, nil
}

// loadGraph rebuilds the graph from the newest stored graph and the audit events after it.
func loadGraph(log *eventlog.Log) (*graph.Graph, auditChain, error) {
	var chain auditChain
	g, hash, err := loadStoredGraph(log)
	if err != nil {
		return nil, chain, err
	}
	chain = hash
	from := binary.BigEndian.AppendUint64(nil, g.Index()+1)
	err = log.Scan(eventlog.SpaceAudit, from, nil, func(k, v []byte) error {
		e, err := DecodeAudit(k, v)
		if err != nil {
			return err
		}
		if chain = chain.next(e.Index, v[sha256.Size:]); chain != e.Hash {
			return fmt.Errorf("raftfsm: audit event %d does not fit the chain of those before it: an event was altered, removed or reordered", e.Index)
		}
		next, _, err := g.Apply(e.Index, e.Command)
		if err != nil {
			return fmt.Errorf("raftfsm: audit event %d was accepted once and is refused now: %w", e.Index, err)
		}
		g = next
		return nil
	})
	return g, chain, err
}

// DecodeAudit decodes a record of eventlog.SpaceAudit.
func DecodeAudit(key, value []byte) (AuditEvent, error) {
	var e AuditEvent
	if len(key) != 8 || len(value) < sha256.Size {
		return e, errors.New("raftfsm: audit record is cut short")
	}
	e.Index = binary.BigEndian.Uint64(key)
	copy(e.Hash[:], value)
	if err := json.Unmarshal(value[sha256.Size:], &e.Command); err != nil {
		return e, fmt.Errorf("raftfsm: audit event %d: %w", e.Index, err)
	}
	return e, nil
}
