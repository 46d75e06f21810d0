package query

import (
	"fmt"
	"testing"

	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// Who reads looks for ways on the channels only on which they have enabled a share, however many there are.
func TestRightsLookWhereSomethingIsEnabled(t *testing.T) {
	f, q := newFixture(t)
	ada := graph.UserID(f.change(0, graph.AddUser{Handle: "ada"}))
	bob := graph.UserID(f.change(0, graph.AddUser{Handle: "bob"}))
	share := f.change(ada, graph.AddShare{Channel: "c7", User: bob, History: graph.Full})
	f.change(bob, graph.DecideShare{Share: graph.ShareID(share), Accept: true})
	r, seen := newRights(q.graph, graph.Actor{User: bob}), 0
	for i := range 10_000 {
		for _, origin := range []graph.UserID{ada, 999} {
			if r.allow(&entry.Run{Channel: fmt.Sprint("c", i), Origin: uint64(origin)}, f.index) {
				seen++
			}
		}
	}
	if seen != 1 || len(r.memo) != 1 {
		t.Errorf("%d runs are seen, ways were looked for on %d channels; want 1 and 1", seen, len(r.memo))
	}
}
