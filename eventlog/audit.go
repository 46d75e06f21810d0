package eventlog

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
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

// AuditMark is one link of the chain: an audit event without its command. The zero AuditMark stands before the first
// event.
type AuditMark struct {
	Index  uint64 // of the log entry
	Number uint64 // of the event, from 1
	Time   int64  // the newest so far, Unix milliseconds
	Hash   [sha256.Size]byte
}

// AuditRecord is one audit event.
type AuditRecord struct {
	AuditMark
	Command []byte // shared with the caller of Next; Scan's is the reader's own
}

const auditMarkSize = sha256.Size + 8 + 8

var keyAuditNewest = []byte("audit-newest")

// Next returns the event that follows m when a command that was stamped with a time is accepted at index.
func (m AuditMark) Next(index uint64, stamped time.Time, command []byte) AuditRecord {
	return m.seal(index, m.Number+1, max(m.Time, stamped.UnixMilli()), command)
}

func (m AuditMark) seal(index, number uint64, at int64, command []byte) AuditRecord {
	r := AuditRecord{AuditMark{Index: index, Number: number, Time: at}, command}
	h := sha256.New()
	h.Write(m.Hash[:])
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 24), index)
	b = binary.BigEndian.AppendUint64(b, number)
	h.Write(binary.BigEndian.AppendUint64(b, uint64(at)))
	h.Write(command)
	h.Sum(r.Hash[:0])
	return r
}

// When returns the newest time up to the event, UTC.
func (m AuditMark) When() time.Time { return time.UnixMilli(m.Time).UTC() }

func (m AuditMark) encode() []byte {
	b := append(make([]byte, 0, auditMarkSize), m.Hash[:]...)
	b = binary.BigEndian.AppendUint64(b, m.Number)
	return binary.BigEndian.AppendUint64(b, uint64(m.Time))
}

func decodeAuditMark(index uint64, v []byte) (AuditMark, error) {
	if len(v) < auditMarkSize {
		return AuditMark{}, &AuditError{
			Index: index, Kind: Altered, Reason: fmt.Sprintf("its record has %d bytes, want at least %d", len(v), auditMarkSize),
		}
	}
	m := AuditMark{Index: index, Hash: [sha256.Size]byte(v)}
	m.Number = binary.BigEndian.Uint64(v[sha256.Size:])
	m.Time = int64(binary.BigEndian.Uint64(v[sha256.Size+8:]))
	return m, nil
}

// How an audit event can be wrong.
const (
	Altered   = "altered"
	Missing   = "missing"
	Reordered = "reordered"
	Extra     = "extra"
)

// AuditError says which audit event is the first that is not as it was written.
type AuditError struct {
	Index  uint64 // of the event at which it shows
	Kind   string // Altered, Missing, Reordered or Extra
	Reason string
}

func (e *AuditError) Error() string {
	return fmt.Sprintf("audit event #%d: %s: %s", e.Index, e.Kind, e.Reason)
}

// Check returns an *AuditError unless r is the event that follows m.
func (m AuditMark) Check(r AuditRecord) error {
	wrong := func(kind, format string, args ...any) error {
		return &AuditError{Index: r.Index, Kind: kind, Reason: fmt.Sprintf(format, args...)}
	}
	sealed := m.seal(r.Index, r.Number, r.Time, r.Command).Hash == r.Hash
	switch {
	case r.Number > m.Number+1 && r.Number-m.Number > r.Index-m.Index: // more than fit between
		return wrong(Altered, "its number is %d after %d", r.Number, m.Number)
	case r.Number > m.Number+1:
		return wrong(Missing, "events number %d to %d are not there before it", m.Number+1, r.Number-1)
	case r.Number < m.Number+1:
		return wrong(Reordered, "event number %d stands after number %d", r.Number, m.Number)
	case !sealed:
		return wrong(Altered, "its hash does not fit what it says and the event before it (#%d)", m.Index)
	case r.Time < m.Time:
		return wrong(Altered, "its time is before that of event #%d", m.Index)
	}
	return nil
}

// PutAudit writes an event and makes it the newest.
func (w *writes) PutAudit(r AuditRecord) {
	mark := r.encode()
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
	if len(v) != 8+auditMarkSize {
		return AuditMark{}, fmt.Errorf("eventlog: mark of the newest audit event has %d bytes, want %d",
			len(v), 8+auditMarkSize)
	}
	return decodeAuditMark(binary.BigEndian.Uint64(v), v[8:])
}

// Event returns the event of index, or ErrNotFound.
func (a Audit) Event(index uint64) (AuditRecord, error) {
	v, err := a.db.getKey(SpaceAudit, IndexKey(index))
	if err != nil {
		return AuditRecord{}, err
	}
	m, err := decodeAuditMark(index, v)
	if err != nil {
		return AuditRecord{}, err
	}
	return AuditRecord{m, v[auditMarkSize:]}, nil
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
		m, err := decodeAuditMark(index, v)
		if err != nil {
			return err
		}
		return fn(AuditRecord{m, append([]byte(nil), v[auditMarkSize:]...)})
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
		found, err = decodeAuditMark(at, v)
		return err
	})
	return found, err
}
