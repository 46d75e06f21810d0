package layout

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/block"
	"hpfriends/eventlog/cold"
	"hpfriends/eventlog/failstop"
)

// CorruptError says that stored bytes are not what was written.
type CorruptError struct {
	Index  uint64 // of the entry, 0 when the damage is elsewhere
	Reason string
	Where  *Extent    // nil when it is not known
	Err    error      // of Pebble, or nil
	Block  *cold.Head // that is damaged, nil when it is none, or not known which
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
		s += ": " + failstop.FirstLine(e.Err)
	}
	return s
}

// Corrupt returns a *CorruptError.
func Corrupt(index uint64, format string, args ...any) error {
	return &CorruptError{Index: index, Reason: fmt.Sprintf(format, args...)}
}

func (e *CorruptError) Unwrap() error { return e.Err }

// InconsistentError says that the store's parts contradict each other, although each of them is readable.
type InconsistentError struct {
	Index  uint64
	Reason string
}

func (e *InconsistentError) Error() string {
	return fmt.Sprintf("eventlog: inconsistent at entry %d: %s", e.Index, e.Reason)
}

// Inconsistent returns an *InconsistentError.
func Inconsistent(index uint64, format string, args ...any) error {
	return &InconsistentError{Index: index, Reason: fmt.Sprintf(format, args...)}
}

// IsDamage reports whether an error of Verify or Scrub is about the store, and not about the reading of it.
func IsDamage(err error) bool {
	var corrupt *CorruptError
	var inconsistent *InconsistentError
	return errors.As(err, &corrupt) || errors.As(err, &inconsistent)
}

// DamagedBlock turns damage of a block into a *CorruptError and leaves other errors as they are.
func DamagedBlock(index uint64, err error) error {
	var d *cold.DamageError
	var format *block.FormatError
	if IsDamage(err) {
		return err
	}
	if !errors.As(err, &format) && !pebble.IsCorruptionError(err) {
		return err
	}
	c := &CorruptError{Index: index, Reason: "damaged block", Where: tableExtent(err), Err: err}
	if errors.As(err, &d) {
		c.Reason, c.Err, c.Block = d.Name()+" is damaged", d.Err, &d.Head
		if index == 0 {
			c.Index = d.First
		}
	}
	return c
}

// DamagedIn returns the block that an error says is damaged, if there is one.
func DamagedIn(err error) (h cold.Head, ok bool) {
	var c *CorruptError
	if errors.As(err, &c) && c.Block != nil {
		return *c.Block, true
	}
	var d *cold.DamageError
	if errors.As(err, &d) {
		return d.Head, true
	}
	return h, false
}
