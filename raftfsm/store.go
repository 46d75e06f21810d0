package raftfsm

import (
	"errors"
	"io"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/raftfsm/apply"
)

// guardedStore lowers the high-water mark, durably, before a suffix of the log is deleted: raft may truncate what was
// never committed, and the mark must not then accuse the log of having lost it.
type guardedStore struct {
	*eventlog.LogStore
	mark   *highWater
	stalls *stalls
	disk   *disk
	newest atomic.Uint64 // entry that the FSM is given, see reached
	wiped  atomic.Uint64 // raft may believe in entries up to it, see GetLog
	blind  bool          // without that: only to show that the tests would notice
}

// watchedStable is the stable store as raft's main goroutine writes to it; how long that takes is watched.
type watchedStable struct {
	raft.StableStore
	stalls *stalls
}

// Set stores a value durably.
func (w *watchedStable) Set(key, val []byte) error {
	defer w.stalls.begin(stallStore)()
	return w.StableStore.Set(key, val)
}

// SetUint64 stores a number durably.
func (w *watchedStable) SetUint64(key []byte, val uint64) error {
	defer w.stalls.begin(stallStore)()
	return w.StableStore.SetUint64(key, val)
}

// watchedFSM is the FSM as raft's FSM goroutine calls it; how long that takes is watched.
type watchedFSM struct {
	*apply.FSM
	stalls *stalls
}

// ApplyBatch implements raft.BatchingFSM.
func (w *watchedFSM) ApplyBatch(logs []*raft.Log) []any {
	defer w.stalls.begin(stallApply)()
	return w.FSM.ApplyBatch(logs)
}

// Restore implements raft.FSM.
func (w *watchedFSM) Restore(snapshot io.ReadCloser) error {
	defer w.stalls.begin(stallApply)()
	return w.FSM.Restore(snapshot)
}

// StoreLogs appends entries; how long it takes is watched. There may be no room; but what takes the place of a tail that was cut off
// is always stored: raft would go on believing in that tail, up to 64 entries that the ballast has room for.
func (g *guardedStore) StoreLogs(logs []*raft.Log) error {
	if err := g.disk.mayStore(logs); err != nil && g.wiped.Load() == 0 {
		return err
	}
	g.note(logs)
	defer g.stalls.begin(stallStore)()
	if err := g.LogStore.StoreLogs(logs); err != nil {
		return err
	}
	g.wiped.Store(0)
	return nil
}

// GetLog reads an entry. When a snapshot was installed into a log that reached beyond it (a tail that was never committed),
// raft has had the log removed and goes on believing in its old end: it asks for what it has to compare with the leader's
// entries, and without an answer it would refuse them for ever (hashicorp/raft#697). The answer is an entry of term 0,
// which differs from any: raft truncates what is not there, and appends.
func (g *guardedStore) GetLog(index uint64, out *raft.Log) error {
	err := g.LogStore.GetLog(index, out)
	if errors.Is(err, raft.ErrLogNotFound) && index > g.mark.log.Applied() && index <= g.wiped.Load() && !g.blind {
		*out = raft.Log{Index: index, Type: raft.LogNoop}
		return nil
	}
	return err
}

// DeleteRange deletes [lo, hi].
func (g *guardedStore) DeleteRange(lo, hi uint64) error {
	defer g.stalls.begin(stallStore)()
	last, _ := g.mark.log.Last()
	if err := g.mark.cut(lo, hi, func() error { return g.LogStore.DeleteRange(lo, hi) }); err != nil {
		return err
	}
	if hi >= last {
		g.wiped.Store(max(hi, g.wiped.Load()))
	}
	return nil
}
