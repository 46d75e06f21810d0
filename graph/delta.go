package graph

import "slices"

// delta says which edges of the reach a change may have touched.
type delta struct {
	users   []UserID // whose incoming edges may have changed, or who no longer count
	channel Pattern  // if set, only their edges that match this pattern
	shares  []*Share // whose edges have ended
}

func (d *delta) empty() bool { return len(d.users) == 0 && len(d.shares) == 0 }

// maxDeltaHistory bounds how many changes a View can be behind before it computes anew.
const maxDeltaHistory = 256

// deltaHistory is the newest deltas, oldest first. Its last pointer is the identity of everything that decides reach:
// two graphs of one history that end in the same delta have the same edges.
type deltaHistory []*delta

func newDeltaHistory() deltaHistory { return deltaHistory{new(delta)} }

// with returns the deltas after a change. Changes that touch no edge leave them as they are.
func (t deltaHistory) with(d delta) deltaHistory {
	if d.empty() {
		return t
	}
	if len(t) >= maxDeltaHistory {
		t = t[len(t)-maxDeltaHistory+1:]
	}
	next := make(deltaHistory, len(t)+1)
	copy(next, t)
	next[len(t)] = &d
	return next
}

func (t deltaHistory) newest() *delta { return t[len(t)-1] }

// after returns the deltas after d; ok is false if d is not among them.
func (t deltaHistory) after(d *delta) (newer []*delta, ok bool) {
	if t.newest() == d {
		return nil, true
	}
	i := slices.Index(t, d)
	return t[i+1:], i >= 0
}
