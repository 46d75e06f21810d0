package graph

import "slices"

// delta says which edges of the reach a change may have touched.
type delta struct {
	users   []UserID // whose incoming edges may have changed, or who no longer count
	channel Pattern  // if set, only their edges that match this pattern
	shares  []*Share // whose edges have ended
}

func (d *delta) empty() bool { return len(d.users) == 0 && len(d.shares) == 0 }

// trailLength bounds how many changes a View can be behind before it computes anew.
const trailLength = 256

// trail is the newest deltas, oldest first. Its last pointer is the identity of everything that decides reach: two
// graphs of one history that end in the same delta have the same edges.
type trail []*delta

func newTrail() trail { return trail{new(delta)} }

// with returns the trail after a change. Changes that touch no edge leave it as it is.
func (t trail) with(d delta) trail {
	if d.empty() {
		return t
	}
	if len(t) >= trailLength {
		t = t[len(t)-trailLength+1:]
	}
	next := make(trail, len(t)+1)
	copy(next, t)
	next[len(t)] = &d
	return next
}

func (t trail) newest() *delta { return t[len(t)-1] }

// after returns the deltas after d; ok is false if d is not on the trail.
func (t trail) after(d *delta) (newer []*delta, ok bool) {
	if t.newest() == d {
		return nil, true
	}
	i := slices.Index(t, d)
	return t[i+1:], i >= 0
}
