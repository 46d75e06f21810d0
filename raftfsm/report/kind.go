package report

import (
	"time"

	"hpfriends/eventlog/entry"
	"hpfriends/raftfsm/apply"
)

// kind is refusals that are equal but for their time. The first is reported at once; of a kind that goes on, the counts
// are reported after ever longer intervals.
type kind struct {
	row      *entry.Refusal // what waits to be reported; nil: nothing
	size     int            // its bytes, unless it has changed since then
	changed  bool
	paid     bool          // for the bytes of row
	interval time.Duration // from the last report to due
	due      time.Time     // when row may be reported
}

// longest is how long a kind that goes on waits at most, if its owner has not more of them than the log has room for.
const longest = 5 * time.Minute

// keyOf names the kind of a refusal.
func keyOf(d entry.Refusal) apply.RefusalKey {
	d.First = time.Unix(0, 0)
	return apply.KeyOf(d)
}

// isDue reports whether row may be reported. A clock that was put back delays nothing.
func (k *kind) isDue(now time.Time) bool {
	return k.row != nil && (!now.Before(k.due) || k.due.Sub(now) > k.interval)
}

// bytes is what row takes of a report.
func (k *kind) bytes() int {
	if k.changed {
		k.size, k.changed = sizeOf(*k.row), false
	}
	return k.size
}

// rest notes that row was reported, and how long the next waits.
func (k *kind) rest(now time.Time) {
	k.row, k.paid = nil, false
	k.interval = min(max(2*k.interval, Every), longest)
	k.due = now.Add(k.interval)
}

// calm begins anew when the kind has paused for as long as its interval beyond it.
func (k *kind) calm(now time.Time) {
	if k.row == nil && now.Sub(k.due) >= k.interval {
		k.interval = 0
	}
}

// over reports whether the kind is as good as new.
func (k *kind) over(now time.Time) bool { return k.row == nil && now.Sub(k.due) > 2*longest }
