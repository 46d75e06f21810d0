package apply

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
)

// CheckpointMark says which checkpoints have passed up to an entry. It is part of the state itself.
//
//	SpaceMeta: "checkpoint" -> JSON
type CheckpointMark struct {
	Index  uint64    `json:"index"`  // of the newest
	Kept   uint64    `json:"kept"`   // of the newest that is kept
	KeptAt time.Time `json:"keptAt"` // by its proposer's clock
}

var keyCheckpoint = []byte("checkpoint")

func loadCheckpointMark(log *eventlog.Log) (*CheckpointMark, error) {
	m := new(CheckpointMark)
	v, err := log.Get(eventlog.SpaceMeta, keyCheckpoint)
	if errors.Is(err, eventlog.ErrNotFound) {
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(v, m); err != nil {
		return nil, fmt.Errorf("apply: stored mark of the newest checkpoint: %w", err)
	}
	return m, nil
}

// checkpoints is what Apply has to do with them.
type checkpoints struct {
	newest atomic.Pointer[CheckpointMark]
	due    *Pin      // the entry at hand is a checkpoint
	pins   chan *Pin // wait to be looked at
}

// pinsWaiting is how many pins may wait.
const pinsWaiting = 8

// Pin is the state at a checkpoint, which is read beside Apply. Whoever takes one closes its View.
type Pin struct {
	View        *eventlog.View
	Index, Term uint64
	After       uint64 // the checkpoint before
	Kept        bool
}

// Keep stores the state, for a node that will need what comes behind it.
func (p *Pin) Keep(log *eventlog.Log) error {
	var data bytes.Buffer
	if err := WriteControlState(&data, p.View, p.Term); err != nil {
		return err
	}
	return log.Checkpoints().Store(p.Index, data.Bytes())
}

// CheckpointMark says which checkpoints have passed.
func (f *FSM) CheckpointMark() CheckpointMark { return *f.checkpoints.newest.Load() }

// Pins is where the states at the checkpoints come.
func (f *FSM) Pins() <-chan *Pin { return f.checkpoints.pins }

// applyCheckpoint notes a checkpoint; ApplyBatch commits at it and then pins the state.
func (f *FSM) applyCheckpoint(tx *eventlog.Tx, l *raft.Log) error {
	e, err := entry.DecodeCheckpoint(l.Data)
	if err != nil {
		return err
	}
	before := f.checkpoints.newest.Load()
	now := &CheckpointMark{Index: l.Index, Kept: before.Kept, KeptAt: before.KeptAt}
	if e.Kept {
		now.Kept, now.KeptAt = l.Index, e.Time
	}
	f.checkpoints.newest.Store(now)
	f.checkpoints.due = &Pin{Index: l.Index, Term: l.Term, After: before.Index, Kept: e.Kept}
	return putJSON(tx, eventlog.SpaceMeta, keyCheckpoint, now)
}

// pin hands the state over. When nobody has looked at the last few, this one is left out: a log is then cut at another.
func (f *FSM) pin() {
	p := f.checkpoints.due
	f.checkpoints.due = nil
	var err error
	if p.View, err = f.log.View(); err != nil {
		return // closing
	}
	select {
	case f.checkpoints.pins <- p:
	default:
		f.slog.Warn("a checkpoint is left out: the disk does not keep up", "index", p.Index, "kept", p.Kept)
		p.View.Close()
	}
}

// Close closes the pins that nobody took. Nothing is applied any more.
func (f *FSM) Close() {
	for {
		select {
		case p := <-f.checkpoints.pins:
			p.View.Close()
		default:
			return
		}
	}
}
