package survey

import (
	"slices"
	"time"
)

// Clocks are the bounds that the other members' clocks set to a member's own: it is ahead of High, or behind Low, only
// by its own word against that of a majority.
type Clocks struct{ Low, High time.Time }

// Agree returns the bounds for a member, if a majority of all members other than itself have told their clocks at now.
// slack is how far clocks may be apart. Two members contradict each other: neither bounds the other.
func Agree(self string, all []Member, slack time.Duration) (c Clocks, ok bool) {
	var told []time.Time
	for _, member := range all {
		if member.ID != self && member.Err == nil && !member.Report.Now.IsZero() {
			told = append(told, member.Report.Now)
		}
	}
	majority := len(all)/2 + 1
	if len(told) < majority {
		return c, false
	}
	slices.SortFunc(told, time.Time.Compare)
	return Clocks{Low: told[len(told)-majority].Add(-slack), High: told[majority-1].Add(slack)}, true
}

// Bound returns t within the bounds.
func (c Clocks) Bound(t time.Time) time.Time {
	switch {
	case t.After(c.High):
		return c.High
	case t.Before(c.Low):
		return c.Low
	default:
		return t
	}
}
