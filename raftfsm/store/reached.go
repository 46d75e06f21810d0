package store

import (
	"errors"

	"github.com/hashicorp/raft"
)

// Raft's own entries, of elections and barriers, are never given to the FSM: the applied index stays before them until
// the next entry that is. In a cluster in which nothing happens they would look like a backlog that grows with every
// election.

// seen reports whether the FSM is given an entry.
func seen(t raft.LogType) bool { return t == raft.LogCommand || t == raft.LogConfiguration }

// newestSeen is the newest entry, applied or not, that the FSM is given.
func (g *Log) newestSeen() (uint64, error) {
	applied := g.mark.log.Applied()
	last, _ := g.mark.log.Last()
	for i := last; i > applied; i-- {
		var l raft.Log
		if err := g.LogStore.GetLog(i, &l); err != nil && !errors.Is(err, raft.ErrLogNotFound) {
			return 0, err
		} else if err == nil && seen(l.Type) {
			return i, nil
		}
	}
	return applied, nil
}

// note keeps the newest of entries that are about to be stored.
func (g *Log) note(logs []*raft.Log) {
	for i := len(logs) - 1; i >= 0; i-- {
		if seen(logs[i].Type) {
			g.newest.Store(logs[i].Index)
			return
		}
	}
}

// Reached is up to where this node has applied what is committed, of which raft says commit.
func (g *Log) Reached(commit uint64) uint64 {
	applied := g.mark.log.Applied()
	if applied >= g.newest.Load() {
		return max(commit, applied)
	}
	return applied
}
