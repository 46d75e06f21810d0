package eventlog

import (
	"errors"

	"hpfriends/eventlog/layout"
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

// What damage of the store is told by.
type (
	CorruptError      = layout.CorruptError
	InconsistentError = layout.InconsistentError
	Extent            = layout.Extent
)
