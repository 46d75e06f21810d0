package apply

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph/version"
)

// FSM applies committed entries to the projections, in one Pebble batch for each run of entries that raft hands over.
// An error means a damaged store or a bug, and ends the process: a node that went on would differ from the others.
type FSM struct {
	log  *eventlog.Log
	fail func(error) // ends the process
	slog *slog.Logger

	version  atomic.Pointer[version.Version] // newest
	sessions sessions
	activity *activity
	cursors  *cursors
	audit    eventlog.AuditMark // of the newest change

	configuration atomic.Pointer[Configuration] // nil: none yet
	tokens        *joinTokens
	vault         *Vault

	checkpoints checkpoints
	level       int // highest of what was applied
}

// New loads the projections from the log. fail must end the process.
func New(log *eventlog.Log, logger *slog.Logger, fail func(error)) (*FSM, error) {
	f := &FSM{log: log, slog: logger, fail: fail}
	f.checkpoints.pins = make(chan *Pin, pinsWaiting)
	return f, f.load(log.Applied())
}

// load reads the projections as of the applied entry.
func (f *FSM) load(applied uint64) (err error) {
	if f.level, err = loadLevel(f.log); err != nil {
		return err
	}
	configuration, err := LoadConfiguration(f.log)
	if err != nil {
		return err
	}
	f.configuration.Store(configuration)
	if f.tokens, err = loadTokens(f.log); err != nil {
		return err
	}
	if f.vault, err = loadVault(f.log); err != nil {
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
	mark, err := loadCheckpointMark(f.log)
	if err != nil {
		return err
	}
	f.checkpoints.newest.Store(mark)
	g, audit, err := f.loadGraph(applied)
	if err != nil {
		return err
	}
	f.audit = audit
	f.version.Store(version.New(g, g.Index()))
	return nil
}

// Version is the newest version of the graph. Its successors follow in the list.
func (f *FSM) Version() *version.Version { return f.version.Load() }

// Configuration is the newest applied configuration, or nil before the first one.
func (f *FSM) Configuration() *Configuration { return f.configuration.Load() }

// CursorEndings is the newest ending of a cursor's epoch. Those that come later follow it in the list.
func (f *FSM) CursorEndings() *Ending { return f.cursors.endings.Load() }

// JoinToken returns the token with a hash. It is not ok when there is no such token.
func (f *FSM) JoinToken(hash [sha256.Size]byte) (JoinToken, bool) { return f.tokens.get(hash) }

// JoinTokens returns all tokens by expiry.
func (f *FSM) JoinTokens() []JoinToken {
	f.tokens.mu.Lock()
	defer f.tokens.mu.Unlock()
	return f.tokens.list()
}

// Vault is what the nodes keep for each other under names.
func (f *FSM) Vault() *Vault { return f.vault }

// TrustSessions makes the FSM take every batch whatever its number. It serves the test that shows what sessions
// prevent.
func (f *FSM) TrustSessions() { f.sessions.trusting = true }

// Apply implements raft.FSM; raft prefers ApplyBatch.
func (f *FSM) Apply(l *raft.Log) any { return f.ApplyBatch([]*raft.Log{l})[0] }

// ApplyBatch implements raft.BatchingFSM. It answers every log, in order.
func (f *FSM) ApplyBatch(logs []*raft.Log) []any {
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
			return n, fmt.Errorf("apply: entry %d: %w", logs[n].Index, err)
		}
		n++
	}
	last := logs[n-1].Index
	f.activity.flush(tx)
	f.cursors.flush(tx)
	if err = tx.Commit(last); err != nil {
		return n, fmt.Errorf("apply: entries up to %d: %w", last, err)
	}
	if f.checkpoints.due != nil {
		f.pin()
	}
	return n, nil
}

func (f *FSM) apply(tx *eventlog.Tx, l *raft.Log) (any, error) {
	if l.Type == raft.LogConfiguration {
		return nil, f.applyConfiguration(tx, l)
	}
	if l.Type != raft.LogCommand || len(l.Data) == 0 {
		return nil, nil
	}
	kind := entry.Kind(l.Data[0])
	if kind != entry.KindChange { // of which it is known when it is decoded
		level, _ := Needs(l.Data)
		f.noteLevel(tx, level)
	}
	switch kind {
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
	case entry.KindVault:
		return f.vault.apply(tx, l.Data)
	case entry.KindCheckpoint:
		return nil, f.applyCheckpoint(tx, l)
	default:
		return nil, fmt.Errorf("entry of unknown kind %d: this node runs an older program than the one that wrote it: "+
			"upgrade this node", kind)
	}
}

func (f *FSM) applyBatch(tx *eventlog.Tx, l *raft.Log) (any, error) {
	h, err := entry.DecodeHeader(l.Data)
	if err != nil {
		return nil, err
	}
	r := f.sessions.admit(tx, h.Session, h.Seq, l.Index)
	if r.Applied {
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
	f.activity.fold(l.Index, r)
	return nil
}

// applyFloor raises the floor to the same entry on every node, and never above the entry that says so. By age it does
// not, while that is held by those who may: the entry may have been on its way.
func (f *FSM) applyFloor(tx *eventlog.Tx, l *raft.Log) error {
	e, err := entry.DecodeFloor(l.Data)
	if err != nil {
		return err
	}
	if e.Reason == entry.FloorByAge && f.Version().Graph.Retention().Held {
		return nil
	}
	tx.RaiseFloor(min(e.Floor, l.Index))
	return nil
}

// Snapshot implements raft.FSM. It is never called, since the projections are durable themselves.
func (f *FSM) Snapshot() (raft.FSMSnapshot, error) {
	return nil, errors.New("apply: snapshots are not taken")
}
