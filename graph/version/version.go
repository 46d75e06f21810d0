// Package version is the list of states that readers of the log walk along.
//
// # Invariant
//
// Every reader switches to a change at the change's own place in the log, however far behind it is.
//
// # Concurrency
//
// One goroutine appends; any number may read.
package version

import (
	"sync/atomic"

	"hpfriends/graph"
)

// Version is one state of the graph and the log index from which it is in force. Versions form a list from old to new:
// a reader of the log holds the version of its position and walks on as it passes the changes, so every reader switches
// at the same position however far behind it is. Versions that no reader holds are garbage.
type Version struct {
	Graph *graph.Graph
	Index uint64 // index of the change that made it

	revokes bool // the change may have taken something away from somebody
	next    atomic.Pointer[Version]
	changed chan struct{} // closed once next is set
}

// New starts a list.
func New(g *graph.Graph, index uint64) *Version {
	return &Version{Graph: g, Index: index, changed: make(chan struct{})}
}

// Append adds the version that follows v by the change op and returns it. v must be the newest of its list. A nil op
// stands for changes that this node did not see, as after a snapshot: they may have taken anything away.
func (v *Version) Append(g *graph.Graph, index uint64, op graph.Op) *Version {
	n := New(g, index)
	n.revokes = op == nil || graph.Revokes(op)
	if !v.next.CompareAndSwap(nil, n) {
		panic("version: Append to a version that is not the newest")
	}
	close(v.changed)
	return n
}

// At walks on to the version that is in force for the log entry at index.
func (v *Version) At(index uint64) *Version {
	for {
		n := v.next.Load()
		if n == nil || n.Index > index {
			return v
		}
		v = n
	}
}

// Newest walks on to the newest version.
func (v *Version) Newest() *Version {
	for {
		n := v.next.Load()
		if n == nil {
			return v
		}
		v = n
	}
}

// Changed is closed when a newer version exists.
func (v *Version) Changed() <-chan struct{} { return v.changed }

// RevokesSince reports whether any change after old, up to v, may have taken a right away. old must be v or before it.
func (v *Version) RevokesSince(old *Version) bool {
	for old != v {
		if old = old.next.Load(); old.revokes {
			return true
		}
	}
	return false
}
