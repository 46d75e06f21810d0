package raftfsm

import (
	"fmt"
	"io"

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
}

// StoreLogs appends entries; how long it takes is watched.
func (g *guardedStore) StoreLogs(logs []*raft.Log) error {
	defer g.stalls.begin(stallStore)()
	return g.LogStore.StoreLogs(logs)
}

// IsMonotonic tells raft to wipe the log after a snapshot install (upstream #697 heals only so).
func (g *guardedStore) IsMonotonic() bool { return true }

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
	return g.LogStore.DeleteRange(lo, hi)
}

// startSnapshots is a raft.SnapshotStore that stands for the durable projections: at start it offers one snapshot at the
// applied index, which raft (NoSnapshotRestoreOnStart) takes as the point to go on from without opening it. So a restart
// replays only what was not applied.
type startSnapshots struct{ meta *raft.SnapshotMeta }

// List returns the snapshot at the applied index, or none on a fresh node.
func (s startSnapshots) List() ([]*raft.SnapshotMeta, error) {
	if s.meta == nil {
		return nil, nil
	}
	return []*raft.SnapshotMeta{s.meta}, nil
}

// Open is never called on one node: there is nobody to send a snapshot to.
func (s startSnapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	return nil, nil, fmt.Errorf("raftfsm: snapshot %s is the projections themselves and cannot be sent", id)
}

// Create is never called: the projections are durable, and the log is cut by retention only.
func (s startSnapshots) Create(raft.SnapshotVersion, uint64, uint64, raft.Configuration, uint64, raft.Transport) (raft.SnapshotSink, error) {
	return nil, fmt.Errorf("raftfsm: snapshots are not taken: the projections are durable themselves")
}
