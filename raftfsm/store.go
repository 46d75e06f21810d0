package raftfsm

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
)

// guardedStore lowers the high-water mark, durably, before a suffix of the log is deleted: raft may truncate what was
// never committed, and the mark must not then accuse the log of having lost it.
type guardedStore struct {
	*eventlog.LogStore
	log    *eventlog.Log
	stable *Stable
	stalls *stalls
	wiped  atomic.Uint64 // raft may believe in entries up to it, see GetLog
	blind  bool          // without that: only to show that the tests would notice
}

// StoreLogs appends entries; how long it takes is watched.
func (g *guardedStore) StoreLogs(logs []*raft.Log) error {
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
	if errors.Is(err, raft.ErrLogNotFound) && index > g.log.Applied() && index <= g.wiped.Load() && !g.blind {
		*out = raft.Log{Index: index, Type: raft.LogNoop}
		return nil
	}
	return err
}

// DeleteRange deletes [lo, hi].
func (g *guardedStore) DeleteRange(lo, hi uint64) error {
	last, _ := g.log.Last()
	mark, _, err := g.stable.HighWater()
	if err != nil {
		return err
	}
	if hi >= last && lo > 0 && mark >= lo {
		term, err := g.log.Term(lo - 1)
		if err != nil {
			term = 0
		}
		if err := g.stable.SetHighWater(lo-1, term); err != nil {
			return fmt.Errorf("raftfsm: lower high-water mark to %d: %w", lo-1, err)
		}
	}
	if err := g.LogStore.DeleteRange(lo, hi); err != nil {
		return err
	}
	if hi >= last {
		g.wiped.Store(max(hi, g.wiped.Load()))
	}
	return nil
}
