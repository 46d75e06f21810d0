package eventlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"hpfriends/eventlog/auditchain"
)

// The audit keeps every accepted change of the graph, whatever retention removes from the log.
//
//	SpaceAudit: index u64           -> hash (32) | number u64 | time u64 | command
//	SpaceMeta:  "audit-newest"      -> index u64 | hash (32) | number u64 | time u64
//
// hash is SHA-256(hash of the event before | index | number | time | command), 32 zeros before the first. number counts
// the events from 1 without a gap. time is the newest time of any command so far, in Unix milliseconds: it never falls,
// whatever the clocks of the proposers did, so that a time can be looked up; what is shown of an event goes by its
// command's own time. The newest mark is written with its event, so that also the removal of the newest events shows.
// Numbers are big endian. The command is graph's to decode.
//
// Whoever can write to the store can write a whole new chain: that is found by comparing the newest hash with another
// node's, or with one that was noted elsewhere.

// The chain of audit events.
type (
	AuditMark   = auditchain.AuditMark
	AuditRecord = auditchain.AuditRecord
	AuditError  = auditchain.AuditError
)

// How an audit event can be wrong.
const (
	Altered   = auditchain.Altered
	Missing   = auditchain.Missing
	Reordered = auditchain.Reordered
	Extra     = auditchain.Extra
)

var keyAuditNewest = []byte("audit-newest")

// PutAudit writes an event and makes it the newest.
func (w *writes) PutAudit(r AuditRecord) {
	mark := r.Encode()
	w.Put(SpaceAudit, IndexKey(r.Index), append(mark, r.Command...))
	w.Put(SpaceMeta, keyAuditNewest, append(IndexKey(r.Index), mark...))
}

// Audit reads the accepted changes of the graph, which are kept for ever.
type Audit struct{ db *store }

// Audit returns the audit of the log.
func (l *Log) Audit() Audit { return Audit{l.db} }

// Newest returns the mark of the newest event, as it was noted beside the events; zero if there is none.
func (a Audit) Newest() (AuditMark, error) {
	v, err := a.db.getKey(SpaceMeta, keyAuditNewest)
	if errors.Is(err, ErrNotFound) {
		return AuditMark{}, nil
	}
	if err != nil {
		return AuditMark{}, err
	}
	if len(v) != 8+auditchain.MarkSize {
		return AuditMark{}, fmt.Errorf("eventlog: mark of the newest audit event has %d bytes, want %d",
			len(v), 8+auditchain.MarkSize)
	}
	return auditchain.DecodeMark(binary.BigEndian.Uint64(v), v[8:])
}

// Event returns the event of index, or ErrNotFound.
func (a Audit) Event(index uint64) (AuditRecord, error) {
	v, err := a.db.getKey(SpaceAudit, IndexKey(index))
	if err != nil {
		return AuditRecord{}, err
	}
	m, err := auditchain.DecodeMark(index, v)
	if err != nil {
		return AuditRecord{}, err
	}
	return AuditRecord{AuditMark: m, Command: v[auditchain.MarkSize:]}, nil
}

// errEnough ends a scan early.
var errEnough = errors.New("eventlog: enough")

// Scan calls fn for up to limit events from index on, in order, and returns the index to go on from; 0 when there are
// no more. It does not check the chain. fn runs with an iterator open: a reader of many events takes them in portions.
func (a Audit) Scan(from uint64, limit int, fn func(AuditRecord) error) (next uint64, err error) {
	err = a.db.scanSpace(SpaceAudit, IndexKey(from), nil, func(k, v []byte) error {
		index, ok := ParseIndexKey(k)
		if !ok {
			return &AuditError{Index: from, Kind: Extra, Reason: fmt.Sprintf("a record has the key %x", k)}
		}
		if limit == 0 {
			next = index
			return errEnough
		}
		limit--
		m, err := auditchain.DecodeMark(index, v)
		if err != nil {
			return err
		}
		return fn(AuditRecord{AuditMark: m, Command: append([]byte(nil), v[auditchain.MarkSize:]...)})
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return next, err
}

// At returns the newest mark whose time is not after t; zero if there is none. No event up to it is later than t, and
// the next one is.
func (a Audit) At(t time.Time) (AuditMark, error) {
	newest, err := a.Newest()
	if err != nil || newest.Index == 0 || newest.Time <= t.UnixMilli() {
		return newest, err
	}
	// Indexes of events are sparse: each step looks at the first event from the middle on. The newest is after t.
	var found AuditMark
	lo, hi := uint64(0), newest.Index
	for lo < hi {
		middle := lo + (hi-lo)/2
		var m AuditMark
		if _, err := a.Scan(middle, 1, func(r AuditRecord) error { m = r.AuditMark; return nil }); err != nil {
			return AuditMark{}, err
		}
		if m.Index != 0 && m.Time <= t.UnixMilli() {
			found, lo = m, m.Index+1
		} else {
			hi = middle
		}
	}
	return found, nil
}

// Before returns the mark of the newest event at or before index; zero if there is none.
func (a Audit) Before(index uint64) (AuditMark, error) {
	if newest, err := a.Newest(); err != nil || newest.Index <= index {
		return newest, err
	}
	var found AuditMark
	err := a.db.newestBelow(SpaceAudit, index, func(k, v []byte) (err error) {
		at, _ := ParseIndexKey(k)
		found, err = auditchain.DecodeMark(at, v)
		return err
	})
	return found, err
}
