package store

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
)

// Log is the raft.LogStore over the event log. It lowers the high-water mark, durably, before a suffix of the log is
// deleted: raft may truncate what was never committed, and the mark must not then accuse the log of having lost it.
type Log struct {
	*eventlog.LogStore
	mark   *HighWater
	stalls *Stalls
	disk   *Disk
	newest atomic.Uint64 // entry that the FSM is given, see Reached
	wiped  atomic.Uint64 // raft may believe in entries up to it, see GetLog
	blind  bool          // without that: only to show that the tests would notice
}

// NewLog returns the store of a log.
func NewLog(log *eventlog.Log, mark *HighWater, stalls *Stalls, disk *Disk) (*Log, error) {
	l := &Log{LogStore: log.LogStore(), mark: mark, stalls: stalls, disk: disk}
	newest, err := l.newestSeen()
	if err != nil {
		return nil, fmt.Errorf("store: newest entry: %w", err)
	}
	l.newest.Store(newest)
	return l, nil
}

// Blind takes out what heals hashicorp/raft#697. It serves the test that shows what that is good for.
func (g *Log) Blind() { g.blind = true }

// WatchedStable is the stable store as raft's main goroutine writes to it; how long that takes is watched.
type WatchedStable struct {
	raft.StableStore
	Stalls *Stalls
}

// Set stores a value durably.
func (w *WatchedStable) Set(key, val []byte) error {
	defer w.Stalls.begin(stallStore)()
	return w.StableStore.Set(key, val)
}

// SetUint64 stores a number durably.
func (w *WatchedStable) SetUint64(key []byte, val uint64) error {
	defer w.Stalls.begin(stallStore)()
	return w.StableStore.SetUint64(key, val)
}

// StoreLogs appends entries, and how long it takes is watched. It fails when there is no room. What takes the place of
// a tail that was cut off is stored all the same, since raft would go on believing in that tail: up to 64 entries, and
// small ones that fill 1 MiB, for which the ballast has room.
func (g *Log) StoreLogs(logs []*raft.Log) error {
	if err := g.disk.Reserve(logs); err != nil && g.wiped.Load() == 0 {
		return err
	}
	g.note(logs)
	defer g.stalls.begin(stallStore)()
	if err := g.LogStore.StoreLogs(logs); err != nil {
		return err
	}
	g.mark.Note()
	g.wiped.Store(0)
	return nil
}

// GetLog reads an entry. When a snapshot was installed into a log that reached beyond it (a tail that was never
// committed), raft has had the log removed and goes on believing in its old end: it asks for what it has to compare
// with the leader's entries, and without an answer it would refuse them for ever (hashicorp/raft#697). The answer is an
// entry of term 0, which differs from any: raft truncates what is not there, and appends.
func (g *Log) GetLog(index uint64, out *raft.Log) error {
	err := g.LogStore.GetLog(index, out)
	if errors.Is(err, raft.ErrLogNotFound) && index > g.mark.log.Applied() && index <= g.wiped.Load() && !g.blind {
		*out = raft.Log{Index: index, Type: raft.LogNoop, Extensions: []byte(eventlog.TermOnly)}
		return nil
	}
	return err
}

// DeleteRange deletes [lo, hi].
func (g *Log) DeleteRange(lo, hi uint64) error {
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
