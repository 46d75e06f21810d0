package graph

import "sync/atomic"

// Version is one state of the graph and the log index from which it is in force. Versions form a list from old to new:
// a reader of the log holds the version of its position and walks on as it passes the changes, so every reader switches
// at the same position however far behind it is. Versions that no reader holds are garbage.
//
// One goroutine appends; any number may read.
type Version struct {
	Graph *Graph
	Index uint64 // index of the change that made it

	revokes bool // the change may have taken something away from somebody
	next    atomic.Pointer[Version]
	changed chan struct{} // closed once next is set
}

// NewVersion starts a list.
func NewVersion(g *Graph, index uint64) *Version {
	return &Version{Graph: g, Index: index, changed: make(chan struct{})}
}

// Append adds the version that follows v by the change op and returns it. v must be the newest of its list. A nil op
// stands for changes that this node did not see, as after a snapshot: they may have taken anything away.
func (v *Version) Append(g *Graph, index uint64, op Op) *Version {
	n := NewVersion(g, index)
	n.revokes = op == nil || operationOf(op).revokes(op)
	if !v.next.CompareAndSwap(nil, n) {
		panic("graph: Append to a version that is not the newest")
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
