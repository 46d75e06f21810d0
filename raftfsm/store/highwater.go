package store

import (
	"fmt"
	"sync"

	"hpfriends/eventlog"
)

// HighWater keeps the mark of the newest synced entry in the stable store true to the log. Two goroutines move it: a
// mark of entries that are just being deleted would accuse the log at the next start.
type HighWater struct {
	log    *eventlog.Log
	stable *Stable

	mu      sync.Mutex // held over writes of the mark, never over those of the log
	cutting bool       // the end of the log is being deleted: the mark stays where it is
}

// NewHighWater returns the mark of a log.
func NewHighWater(log *eventlog.Log, stable *Stable) *HighWater {
	return &HighWater{log: log, stable: stable}
}

// Raise records the newest synced entry.
func (h *HighWater) Raise() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cutting {
		return nil
	}
	index, term := h.log.Last()
	if old, err := h.stable.recorded(); err != nil || old.index == index {
		return err
	}
	return h.stable.SetHighWater(index, term)
}

// Note notes the newest synced entry, unsynced. When that fails the mark is that of the last Raise.
func (h *HighWater) Note() {
	index, term := h.log.Last()
	_ = h.stable.note.set(mark{index, term})
}

// cut deletes [lo, hi] of the log, by remove, after the mark was lowered below when it is the end that goes.
func (h *HighWater) cut(lo, hi uint64, remove func() error) error {
	if err := h.lower(lo, hi); err != nil {
		return err
	}
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.cutting = false
	}()
	return remove()
}

func (h *HighWater) lower(lo, hi uint64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	last, _ := h.log.Last()
	mark, _, err := h.stable.HighWater()
	if err != nil {
		return err
	}
	h.cutting = true
	if hi < last || lo == 0 || mark < lo {
		return nil
	}
	term, err := h.log.Term(lo - 1)
	if err != nil {
		term = 0
	}
	if err := h.stable.LowerHighWater(lo-1, term); err != nil {
		return fmt.Errorf("store: lower high-water mark to %d: %w", lo-1, err)
	}
	return nil
}
