// Package rafttest has what tests give to raft.
package rafttest

import (
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// Quiet is a logger that says nothing.
var Quiet = hclog.New(&hclog.LoggerOptions{Output: io.Discard})

// Journal is an FSM that keeps what it applied, and has no snapshots. It may be used by any number of goroutines.
type Journal struct {
	mu   sync.Mutex
	data []string
}

// Apply implements raft.FSM.
func (j *Journal) Apply(l *raft.Log) any {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.data = append(j.data, string(l.Data))
	return nil
}

// Snapshot implements raft.FSM.
func (j *Journal) Snapshot() (raft.FSMSnapshot, error) { return nil, errors.New("none") }

// Restore implements raft.FSM.
func (j *Journal) Restore(io.ReadCloser) error { return errors.New("none") }

// All is what it applied, in order.
func (j *Journal) All() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.data)
}
