// Package timeline is the changes around a moment of the past, from one of which a page goes to the next.
//
// # Concurrency
//
// Around may be called from any goroutine.
package timeline

import (
	"context"
	"slices"
	"strconv"
	"time"

	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/query"
	"hpfriends/query/past"
	"hpfriends/web/pages/format"
	"hpfriends/web/prose"
)

// Timeline is the changes around a moment, the oldest first.
type Timeline struct {
	Changes      []Change
	Now          int    // the newest of them that the page knows of
	Before, Next string // positions of the neighbours; empty: there is none
	Said         string // what was changed then
}

// Change is a change that can be gone to.
type Change struct{ Position, Label string }

// neighbours is how many changes the timeline has on each side.
const neighbours = 24

// Around finds the changes around a position that concern who asks. Their times are in a zone.
func Around(
	ctx context.Context, q *query.Query, by graph.Actor, position string, zone *time.Location,
) (t Timeline, err error) {
	here, err := entry.ParsePosition(position)
	if err != nil {
		return t, err
	}
	older, _, err := q.AuditEvents(ctx, by, query.AuditFilter{Until: past.AtIndex(here.Index), Limit: neighbours + 1})
	if err != nil {
		return t, err
	}
	newer, _, err := q.AuditEvents(ctx, by, query.AuditFilter{
		Since: past.AtIndex(here.Index + 1), Oldest: true, Limit: neighbours,
	})
	if err != nil {
		return t, err
	}
	slices.Reverse(older)
	t.Now = max(0, len(older)-1)
	for _, e := range slices.Concat(older, newer) {
		label := e.Time.In(zone).Format("2 Jan 15:04:05") + ": " + format.Visible(e.By+" "+prose.Sentence(e))
		t.Changes = append(t.Changes, Change{"#" + strconv.FormatUint(e.Index, 10), label})
	}
	// Between two changes that concern who asks, the older one is the neighbour.
	if before := len(older) - 1; before >= 0 {
		if t.Changes[before].Position == "#"+strconv.FormatUint(here.Index, 10) {
			t.Said = t.Changes[before].Label
			before--
		}
		if before >= 0 {
			t.Before = t.Changes[before].Position
		}
	}
	if len(newer) > 0 {
		t.Next = t.Changes[len(older)].Position
	}
	return t, nil
}
