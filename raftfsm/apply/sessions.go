package apply

import (
	"encoding/binary"
	"fmt"

	"hpfriends/eventlog"
)

// sessions remembers the last batch of each ingest session, so that a batch whose outcome was unknown can be proposed
// again: it enters the log once, and a batch that overtook a lost one is refused. Messages of refused batches are in
// the raft log but have no index keys, so no reader meets them.
//
// A session is one run of one node's Ingest. Only the newest maxSessions are kept: far more than nodes that can have a
// proposal under way.
type sessions struct {
	last map[[16]byte]progress

	trusting bool // takes every batch: only to show that the tests would notice
}

type progress struct{ seq, index uint64 } // last batch and the entry that holds it

const maxSessions = 1024

func loadSessions(log *eventlog.Log) (sessions, error) {
	s := sessions{last: make(map[[16]byte]progress)}
	err := log.Scan(eventlog.SpaceSessions, nil, nil, func(k, v []byte) error {
		if len(k) != 16 || len(v) != 16 {
			return fmt.Errorf("apply: session record of %d and %d bytes, want 16 and 16", len(k), len(v))
		}
		s.last[[16]byte(k)] = progress{binary.BigEndian.Uint64(v), binary.BigEndian.Uint64(v[8:])}
		return nil
	})
	return s, err
}

// admit decides whether the batch seq of a session is the next one, and records it.
func (s *sessions) admit(tx *eventlog.Tx, session [16]byte, seq, index uint64) BatchResult {
	p := s.last[session]
	switch {
	case s.trusting:
	case seq <= p.seq:
		return BatchResult{Repeat: true, Next: p.seq + 1}
	case seq != p.seq+1:
		return BatchResult{Next: p.seq + 1}
	}
	p = progress{seq, index}
	s.last[session] = p
	tx.Put(eventlog.SpaceSessions, session[:], binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, seq),
		index))
	if len(s.last) > maxSessions {
		s.dropOldest(tx)
	}
	return BatchResult{Applied: true, Next: seq + 1}
}

func (s *sessions) dropOldest(tx *eventlog.Tx) {
	var oldest [16]byte
	least := ^uint64(0)
	for id, p := range s.last {
		if p.index < least {
			oldest, least = id, p.index
		}
	}
	delete(s.last, oldest)
	tx.Delete(eventlog.SpaceSessions, oldest[:])
}
