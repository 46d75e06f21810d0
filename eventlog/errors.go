package eventlog

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrNotFound is returned for a key that is not there, and for an entry after Applied.
	ErrNotFound = errors.New("eventlog: not found")
	// ErrBelowFloor is returned for an entry that retention or a snapshot has removed.
	ErrBelowFloor = errors.New("eventlog: below the floor of the retained log")
	// ErrNotBatch is returned for an entry that shows no messages: another kind, or a repetition that is hidden.
	ErrNotBatch = errors.New("eventlog: entry is not a visible batch")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("eventlog: closed")
	// ErrLogBehind says that entries which were synced are gone or are others: acknowledged messages may be lost.
	ErrLogBehind = errors.New("eventlog: the log is behind its high-water mark")
	// ErrNewer is returned for a store that a later version of this program wrote. It was not changed.
	ErrNewer = errors.New("eventlog: a newer version of this program wrote this store: " +
		"start the version that wrote it, or a later one")
	// ErrInUse is returned for a store that another process has open.
	ErrInUse = errors.New("eventlog: in use by another process: stop it, or choose another data directory")
)

// CorruptError says that stored bytes are not what was written.
type CorruptError struct {
	Index  uint64 // of the entry, 0 when the damage is elsewhere
	Reason string
	Where  *Extent // nil when it is not known
	Err    error   // of Pebble, or nil
}

func (e *CorruptError) Error() string {
	s := "eventlog: corrupt store: " + e.Reason
	if e.Index != 0 {
		s = fmt.Sprintf("eventlog: corrupt entry %d: %s", e.Index, e.Reason)
	}
	if e.Where != nil {
		s += ": " + e.Where.String()
	}
	if e.Err != nil {
		s += ": " + firstLine(e.Err)
	}
	return s
}

func corrupt(index uint64, format string, args ...any) error {
	return &CorruptError{Index: index, Reason: fmt.Sprintf(format, args...)}
}

// firstLine is what Pebble says of an error to people; the lines behind it are for programs.
func firstLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}

func (e *CorruptError) Unwrap() error { return e.Err }
