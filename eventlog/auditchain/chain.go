// Package auditchain is the chain of audit events: each carries a hash over itself and the event before it.
package auditchain

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"
)

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

// MarkSize is the number of bytes of an encoded mark.
const MarkSize = sha256.Size + 8 + 8

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

// Encode returns the mark as it stands before the command of a stored event.
func (m AuditMark) Encode() []byte {
	b := append(make([]byte, 0, MarkSize), m.Hash[:]...)
	b = binary.BigEndian.AppendUint64(b, m.Number)
	return binary.BigEndian.AppendUint64(b, uint64(m.Time))
}

// DecodeMark decodes what a stored event begins with.
func DecodeMark(index uint64, v []byte) (AuditMark, error) {
	if len(v) < MarkSize {
		return AuditMark{}, &AuditError{
			Index: index, Kind: Altered, Reason: fmt.Sprintf("its record has %d bytes, want at least %d", len(v), MarkSize),
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
