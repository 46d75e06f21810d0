package raftfsm

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// FSM applies committed entries to the projections, one Pebble batch for each run of entries that raft hands over. Any
// error it meets is a damaged store or a bug: it fails stop, since going on would make this node differ from the others.
type FSM struct {
	log  *eventlog.Log
	fail func(error) // ends the process
	slog *slog.Logger

	version  atomic.Pointer[graph.Version] // newest
	sessions sessions
	activity *activity
	cursors  *cursorState
	audit    eventlog.AuditMark // of the newest change
	config   storedConfig

	roster atomic.Pointer[roster] // config, for other goroutines; nil: none yet
	stalls *stalls
	tokens *joinTokens

	checkpoints checkpoints
}

// batchResult is the response to a KindBatch entry.
type batchResult struct {
	applied bool   // it was the next of its session
	repeat  bool   // it was applied before
	next    uint64 // sequence number that the session must send next
}

// changeResult is the response to a KindChange entry.
type changeResult struct {
	outcome graph.Outcome
	err     error // the refusal
}

// newFSM loads the projections from the log.
func newFSM(log *eventlog.Log, logger *slog.Logger, fail func(error)) (*FSM, error) {
	f := &FSM{log: log, slog: logger, fail: fail, stalls: new(stalls)}
	f.checkpoints.pins = make(chan *pin, pinsWaiting)
	return f, f.load(log.Applied())
}

// load reads the projections as of the applied entry.
func (f *FSM) load(applied uint64) error {
	var err error
	if f.config, err = loadConfig(f.log); err != nil {
		return err
	}
	members, err := loadRoster(f.log, f.config)
	if err != nil {
		return err
	}
	f.roster.Store(members)
	if f.tokens, err = loadTokens(f.log); err != nil {
		return err
	}
	if f.sessions, err = loadSessions(f.log); err != nil {
		return err
	}
	if f.activity, err = loadActivity(f.log); err != nil {
		return err
	}
	if f.cursors, err = loadCursors(f.log); err != nil {
		return err
	}
	checkpoint, err := loadPassed(f.log)
	if err != nil {
		return err
	}
	f.checkpoints.passed.Store(checkpoint)
	g, mark, err := loadGraph(f.log, applied)
	if err != nil {
		return err
	}
	f.audit = mark
	f.version.Store(graph.NewVersion(g, g.Index()))
	return nil
}

// Apply implements raft.FSM; raft prefers ApplyBatch.
func (f *FSM) Apply(l *raft.Log) any { return f.ApplyBatch([]*raft.Log{l})[0] }

// ApplyBatch implements raft.BatchingFSM. It answers every log, in order.
func (f *FSM) ApplyBatch(logs []*raft.Log) []any {
	defer f.stalls.begin(stallApply)()
	responses := make([]any, len(logs))
	applied := f.log.Applied()
	for len(logs) > 0 && logs[0].Index <= applied {
		logs = logs[1:] // raft replays what a crash did not let us record as seen
	}
	answers := responses[len(responses)-len(logs):]
	for len(logs) > 0 {
		n, err := f.applySome(logs, answers)
		if err != nil {
			f.fail(err)
			return responses
		}
		logs, answers = logs[n:], answers[n:]
	}
	return responses
}

// applySome applies entries up to the next checkpoint, or all, and commits them.
func (f *FSM) applySome(logs []*raft.Log, answers []any) (n int, err error) {
	tx := f.log.Begin()
	for n < len(logs) && f.checkpoints.due == nil {
		if answers[n], err = f.apply(tx, logs[n]); err != nil {
			tx.Discard()
			return n, fmt.Errorf("raftfsm: apply entry %d: %w", logs[n].Index, err)
		}
		n++
	}
	last := logs[n-1].Index
	err = f.activity.flush(tx)
	f.cursors.flush(tx)
	if err == nil {
		err = tx.Commit(last)
	}
	if err != nil {
		return n, fmt.Errorf("raftfsm: apply up to entry %d: %w", last, err)
	}
	if f.checkpoints.due != nil {
		f.pin()
	}
	return n, nil
}

// known says whether apply knows a kind of entry. A leader takes no other from a node that runs a newer program.
func known(kind entry.Kind) bool {
	return kind >= entry.KindBatch && kind <= entry.KindCheckpoint
}

func (f *FSM) apply(tx *eventlog.Tx, l *raft.Log) (any, error) {
	if l.Type == raft.LogConfiguration {
		return nil, f.configure(tx, l)
	}
	if l.Type != raft.LogCommand || len(l.Data) == 0 {
		return nil, nil
	}
	switch kind := entry.Kind(l.Data[0]); kind {
	case entry.KindBatch:
		return f.applyBatch(tx, l)
	case entry.KindChange:
		return f.applyChange(tx, l)
	case entry.KindReport:
		return nil, f.applyReport(l)
	case entry.KindCursor:
		return f.applyCursors(l)
	case entry.KindFloor:
		return nil, f.applyFloor(tx, l)
	case entry.KindToken:
		return nil, f.tokens.apply(tx, l.Data)
	case entry.KindCheckpoint:
		return nil, f.applyCheckpoint(tx, l)
	default:
		return nil, fmt.Errorf("entry of unknown kind %d: this node runs an older program than the one that wrote it", kind)
	}
}

func (f *FSM) applyBatch(tx *eventlog.Tx, l *raft.Log) (any, error) {
	h, err := entry.DecodeHeader(l.Data)
	if err != nil {
		return nil, err
	}
	r := f.sessions.admit(tx, h.Session, h.Seq, l.Index)
	if r.applied {
		tx.IndexBatch(l.Index, h)
	} else {
		tx.HideBatch(l.Index)
	}
	return r, nil
}

func (f *FSM) applyReport(l *raft.Log) error {
	r, err := entry.DecodeReport(l.Data)
	if err != nil {
		return err
	}
	f.activity.fold(r)
	return nil
}

// Snapshot is never asked for: see snapshots.
func (f *FSM) Snapshot() (raft.FSMSnapshot, error) {
	return nil, errors.New("raftfsm: snapshots are not taken")
}
