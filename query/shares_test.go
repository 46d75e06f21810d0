package query

import (
	"fmt"
	"testing"

	"hpfriends/graph"
)

// What waits is what is shared with the viewer and not decided on, counted to 100; disabled users have nothing.
func TestWaitingCountsWhatIsNotDecided(t *testing.T) {
	f, q := newFixture(t)
	ada := graph.UserID(f.change(0, graph.AddUser{Handle: "ada"}))
	bob := graph.UserID(f.change(0, graph.AddUser{Handle: "bob"}))
	var shares []graph.ShareID
	for i := range 4 {
		add := graph.AddShare{Channel: graph.Pattern(fmt.Sprint("c", i)), User: bob}
		shares = append(shares, graph.ShareID(f.change(ada, add)))
	}
	f.change(ada, graph.AddShare{Channel: "e", Group: graph.Everyone})
	f.change(bob, graph.DecideShare{Share: shares[0], Accept: true})
	f.change(bob, graph.DecideShare{Share: shares[1]})
	check := func(who graph.UserID, want int) {
		t.Helper()
		if n := q.Waiting(graph.Actor{User: who}); n != want {
			t.Errorf("%d wait for user %d, want %d", n, who, want)
		}
	}
	check(bob, 3) // two of the four, and that with everyone
	check(ada, 0) // her own does not wait for her
	check(999, 0)
	for i := range 150 {
		f.change(ada, graph.AddShare{Channel: graph.Pattern(fmt.Sprint("d", i)), User: bob})
	}
	check(bob, maxWaiting)
	off := false
	f.change(0, graph.EditUser{User: bob, Enabled: &off})
	check(bob, 0)
}

// Of those who have decided on a share its owner is told 100 by name and that there are more; a receiver is told of
// themselves only.
func TestManyDecisionsAreNotAllTold(t *testing.T) {
	f, q := newFixture(t)
	ada := graph.UserID(f.change(0, graph.AddUser{Handle: "ada"}))
	share := graph.ShareID(f.change(ada, graph.AddShare{Channel: "c", Group: graph.Everyone}))
	var last graph.UserID
	for i := range maxDeciders + 5 {
		last = graph.UserID(f.change(0, graph.AddUser{Handle: fmt.Sprint("user", i)}))
		f.change(last, graph.DecideShare{Share: share, Accept: i > 0})
	}
	for viewer, want := range map[graph.Actor]string{
		{User: ada}: "100 1 true", {Operator: true}: "100 1 true", {User: last}: "1 0 false",
	} {
		s, err := q.Share(viewer, share)
		if got := fmt.Sprint(len(s.EnabledBy), len(s.DisabledBy), s.More); err != nil || got != want {
			t.Errorf("%+v is told %s, want %s, %v", viewer, got, want, err)
		}
	}
}

// What is shared with a group is found without its decisions, however many there are, and no more of it than is wanted.
func TestSharesToAGroupAreTheFirst(t *testing.T) {
	f, q := newFixture(t)
	ada := graph.UserID(f.change(0, graph.AddUser{Handle: "ada"}))
	bob := graph.UserID(f.change(0, graph.AddUser{Handle: "bob"}))
	lab := graph.GroupID(f.change(ada, graph.AddGroup{Name: "lab"}))
	f.change(bob, graph.AddShare{Channel: "elsewhere", Group: graph.Everyone})
	first := graph.ShareID(f.change(bob, graph.AddShare{Channel: "b", Group: lab}))
	for i := range 5 {
		f.change(ada, graph.AddShare{Channel: graph.Pattern(fmt.Sprint("a", i)), Group: lab})
	}
	f.change(ada, graph.DecideShare{Share: first, Accept: true})
	for viewer, want := range map[graph.Actor]string{
		{User: ada}: "3 6 b enabled", {Operator: true}: "3 6 b ", {User: bob}: "1 1 b ",
	} {
		shares, total := q.SharesTo(viewer, lab, 3)
		got := fmt.Sprint(len(shares), " ", total, " ", shares[0].Channel, " ", shares[0].Decision)
		if got != want || len(shares[0].EnabledBy) > 0 {
			t.Errorf("%+v is told %s, enabled by %v, want %s", viewer, got, shares[0].EnabledBy, want)
		}
	}
	cost := func() float64 {
		return testing.AllocsPerRun(10, func() { q.SharesTo(graph.Actor{Operator: true}, lab, 3) })
	}
	before := cost()
	for i := range 40 {
		f.change(ada, graph.AddShare{Channel: graph.Pattern(fmt.Sprint("more", i)), Group: lab})
	}
	if after := cost(); after > before+5 {
		t.Errorf("40 more shares cost %v allocations instead of %v", after, before)
	}
}
