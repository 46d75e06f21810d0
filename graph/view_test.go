package graph

import (
	"fmt"
	"maps"
	"testing"
)

// crowd is a world in which owner shares c with everyone and all n users have accepted; share is that share.
func crowd(t testing.TB, n int) (w *world, owner UserID, share ShareID) {
	w = newWorld(t)
	owner = w.user("owner")
	for i := range n {
		w.user(fmt.Sprintf("u%d", i))
	}
	share = w.share(owner, Everyone, AddShare{})
	for u := range w.g.Users() {
		if u.ID != owner {
			w.do(user(u.ID), DecideShare{share, true})
		}
	}
	return w, owner, share
}

// TestViewCostsWhatAChangeTouches: one of many decides, which must not look at the many.
func TestViewCostsWhatAChangeTouches(t *testing.T) {
	const n = 3000
	w, owner, share := crowd(t, n)
	v := NewView(w.g, 8)
	r := v.Reach(owner, "c")
	if r.Len() != n+1 {
		t.Fatalf("reach has %d users, want %d", r.Len(), n+1)
	}
	if allocs := testing.AllocsPerRun(10, func() { v.Reach(owner, "c") }); allocs > 0 {
		t.Errorf("an untouched reach costs %v allocations", allocs)
	}
	member := nth(w.g.Users(), n/2).ID
	before, visits := w.g, 0
	for _, accept := range []bool{false, true, false, true} {
		w.do(user(member), DecideShare{share, accept})
		v.Advance(w.g)
		m := v.memo[reachKey{owner, "c"}]
		visits += len(m.reach.suspects(v.deltas[m.next-v.first:]))
		if got := v.Reach(owner, "c"); got != r || got.Has(member) != accept {
			t.Fatalf("after deciding %v: the reach is a new one, or wrong", accept)
		}
	}
	if visits != 4 {
		t.Errorf("4 decisions made %d of %d users suspect", visits, n)
	}
	w.do(user(owner), AddShare{Channel: "c", User: member})
	w.do(user(member), AddShare{Channel: "c", User: owner})
	if v.Advance(w.g); len(v.deltas) != 4 {
		t.Errorf("shares that nobody has accepted are among the %d deltas", len(v.deltas))
	}
	v.Advance(before) // back in time: computed anew
	if got := v.Reach(owner, "c"); got == r || !got.Has(member) {
		t.Error("a view of an earlier graph shows a later one")
	}
}

// TestViewThatIsFarBehindComputesAnew: behind the graph's trail, and a reach behind the view's own.
func TestViewThatIsFarBehindComputesAnew(t *testing.T) {
	w, owner, share := crowd(t, 4)
	member := nth(w.g.Users(), 3).ID
	far, near := NewView(w.g, 8), NewView(w.g, 8)
	for _, v := range []*View{far, near} {
		v.Reach(owner, "c")
	}
	other := nth(w.g.Users(), 2).ID
	w.do(user(other), DecideShare{share, false}) // forgotten by the time they are asked
	for _, v := range []*View{far, near} {
		v.Advance(w.g)
	}
	for i := range viewDeltas + 7 {
		w.do(user(member), DecideShare{share, i%2 == 1})
		if behind := i + 1; behind == maxDeltaHistory-1 || behind == maxDeltaHistory {
			v := *far
			v.memo = maps.Clone(far.memo)
			if v.Advance(w.g); (len(v.memo) == 1) != (behind < maxDeltaHistory) {
				t.Errorf("%d changes behind, %d reaches are kept", behind, len(v.memo))
			}
		}
		near.Advance(w.g)
		if len(near.deltas) > viewDeltas {
			t.Fatalf("the view holds %d deltas, at most %d", len(near.deltas), viewDeltas)
		}
	}
	far.Advance(w.g)
	want := naiveReach(w.g, owner, "c")
	for name, v := range map[string]*View{"far": far, "near": near} {
		if got := collect(v.Reach(owner, "c")); !maps.Equal(got, want) {
			t.Errorf("%s view: %v, want %v", name, got, want)
		}
	}
	if _, in := want[other]; in || len(want) != 3 {
		t.Errorf("%v are in the reach", want)
	}
}

// TestViewIsBounded in entries and in members; what was asked for last stays.
func TestViewIsBounded(t *testing.T) {
	w, owner, _ := crowd(t, 10)
	v := NewView(w.g, 3)
	ask := func(channel string) { v.Reach(owner, channel) }
	c := v.Reach(owner, "c")
	for _, channel := range []string{"d", "e", "c", "f", "c", "g"} {
		if ask(channel); channel == "c" && v.memo[reachKey{owner, "c"}].reach != c {
			t.Error("what was asked for again was forgotten before what was not")
		}
	}
	for channel, want := range map[string]bool{"c": true, "f": true, "g": true, "d": false, "e": false} {
		if _, ok := v.memo[reachKey{owner, channel}]; ok != want {
			t.Errorf("%s is kept: %v, want %v", channel, ok, want)
		}
	}
	members, ring := 0, 0
	for m := v.used.older; m != &v.used; m = m.older {
		members += m.reach.Len()
		ring++
	}
	if members != v.members || ring != 3 || len(v.memo) != 3 {
		t.Errorf("counts %d members in %d reaches, there are %d in %d", v.members, len(v.memo), members, ring)
	}
	v.members += v.maxMembers // as if the others were large
	ask("h")
	if _, ok := v.memo[reachKey{owner, "h"}]; len(v.memo) != 1 || !ok {
		t.Errorf("%d reaches are kept of a view that is too large", len(v.memo))
	}
}

// TestReachOfAnOriginWhoComesAndGoes: asked about before they exist, disabled, enabled, removed.
func TestReachOfAnOriginWhoComesAndGoes(t *testing.T) {
	w := newWorld(t)
	v := NewView(w.g, 8)
	origin := UserID(w.now() + 1)
	check := func(want int) {
		t.Helper()
		v.Advance(w.g)
		if got := v.Reach(origin, "c").Len(); got != want {
			t.Errorf("reach has %d users, want %d", got, want)
		}
	}
	check(0)
	w.user("alice")
	check(1)
	w.share(origin, w.user("bob"), AddShare{})
	check(2)
	w.do(operator(), EditUser{User: origin, Enabled: ptr(false)})
	check(0)
	w.do(operator(), EditUser{User: origin, Enabled: ptr(true)})
	check(2)
	w.do(operator(), RemoveUser{User: origin})
	check(0)
}

// TestLateBetterPathReachesAll: a path that begins earlier spreads to those who are there already, and its end takes
// everybody below it back to the later one, or out.
func TestLateBetterPathReachesAll(t *testing.T) {
	w := newWorld(t)
	a, b, c, d := w.user("a"), w.user("b"), w.user("c"), w.user("d")
	late := w.share(a, b, AddShare{})
	w.share(b, c, AddShare{Type: All, History: Full})
	w.share(c, d, AddShare{Type: All, History: Full})
	w.share(d, b, AddShare{Type: All, History: Full}) // a loop
	v := NewView(w.g, 1)
	check := func(want map[UserID]uint64) {
		t.Helper()
		v.Advance(w.g)
		if got := collect(v.Reach(a, "c")); !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	check(map[UserID]uint64{a: 0, b: uint64(late), c: uint64(late), d: uint64(late)})
	early := w.share(a, d, AddShare{History: Full})
	check(map[UserID]uint64{a: 0, b: 0, c: 0, d: 0})
	w.do(user(a), RemoveShare{early})
	check(map[UserID]uint64{a: 0, b: uint64(late), c: uint64(late), d: uint64(late)})
	w.do(user(a), RemoveShare{late}) // the loop must not keep itself alive
	check(map[UserID]uint64{a: 0})
}

// TestRejoiningBetweenLooksMovesTheStart: the edge is there before and after, but begins later.
func TestRejoiningBetweenLooksMovesTheStart(t *testing.T) {
	w := newSmall(t)
	v := NewView(w.g, 1)
	if from, _ := v.Reach(w.alice, "r").VisibleFrom(w.bob); from != uint64(w.toRed) {
		t.Fatalf("bob sees from %d, want %d", from, w.toRed)
	}
	w.do(user(w.bob), RemoveMember{w.red, w.bob})
	w.do(user(w.alice), AddMember{Group: w.red, User: w.bob})
	joined := w.now()
	w.do(user(w.bob), DecideShare{w.toRed, true})
	v.Advance(w.g)
	if from, _ := v.Reach(w.alice, "r").VisibleFrom(w.bob); from != joined {
		t.Errorf("bob sees from %d, want %d", from, joined)
	}
}
