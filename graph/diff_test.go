package graph

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// enumerate is everything in a graph, one line for each object.
func enumerate(g *Graph) map[string]string {
	all := make(map[string]string)
	add := func(kind Kind, id uint64, user UserID, o any) {
		all[fmt.Sprintf("%s %d %d", kind, id, user)] = fmt.Sprintf("%+v", o)
	}
	for u := range g.Users() {
		add(KindUser, uint64(u.ID), 0, *u)
	}
	for gr := range g.Groups() {
		add(KindGroup, uint64(gr.ID), 0, *gr)
		for m := range g.Members(gr.ID) {
			if gr.ID != Everyone {
				add(KindMembership, uint64(gr.ID), m.User, m)
			}
		}
	}
	for k := range g.Authkeys() {
		add(KindAuthkey, uint64(k.ID), 0, *k)
	}
	for s := range g.Shares() {
		add(KindShare, uint64(s.ID), 0, *s)
		for u, enabled := range g.Decisions(s.ID) {
			add(KindAcceptance, uint64(s.ID), u, Acceptance{s.ID, u, enabled})
		}
	}
	for v := range g.Invitations() {
		add(KindInvitation, uint64(v.ID), 0, *v)
	}
	for gr := range g.Groups() {
		for r := range g.JoinRequests(gr.ID) {
			add(KindRequest, uint64(gr.ID), r.User, *r)
		}
	}
	for u := range g.Users() {
		for t := range g.TokensOf(u.ID) {
			add(KindToken, uint64(t.ID), 0, *t)
		}
		for t := range g.SessionsOf(u.ID) {
			add(KindSession, uint64(t.ID), 0, *t)
		}
	}
	return all
}

func text(o Object) string {
	if o == nil {
		return ""
	}
	return strings.TrimPrefix(fmt.Sprintf("%+v", o), "&")
}

// checkDiff compares Diff with a comparison of everything.
func checkDiff(t *testing.T, a, b *Graph) int {
	t.Helper()
	before, after := enumerate(a), enumerate(b)
	want := make(map[string][2]string)
	for k, v := range before {
		if after[k] != v {
			want[k] = [2]string{v, after[k]}
		}
	}
	for k, v := range after {
		if _, ok := before[k]; !ok {
			want[k] = [2]string{"", v}
		}
	}
	last := -1
	n := 0
	for d := range Diff(a, b) {
		k := fmt.Sprintf("%s %d %d", d.Kind, d.ID, d.User)
		if got := [2]string{text(d.Before), text(d.After)}; got != want[k] || got == [2]string{} {
			t.Fatalf("#%d to #%d: %s became %q, want %q", a.index, b.index, k, got, want[k])
		}
		if kind := slices.Index(Kinds, d.Kind); kind < last {
			t.Fatalf("%s after %s", d.Kind, Kinds[last])
		} else {
			last = kind
		}
		delete(want, k)
		n++
	}
	if len(want) > 0 {
		t.Fatalf("#%d to #%d: not told: %v", a.index, b.index, want)
	}
	return n
}

// TestDiffIsWhatAFullComparisonFinds, in both directions, over one change and over many, of graphs that share their
// nodes and of graphs that share nothing.
func TestDiffIsWhatAFullComparisonFinds(t *testing.T) {
	found := 0
	for seed := range uint64(3) {
		roll := rand.New(rand.NewPCG(seed, 1)).IntN
		graphs := []*Graph{New()}
		for index := uint64(10); index < 500; index++ {
			g := graphs[len(graphs)-1]
			if next, _, err := g.Apply(index, randomCommand(g, index, roll)); err == nil {
				found += checkDiff(t, g, next)
				graphs = append(graphs, next)
			}
		}
		for range 40 {
			a, b := graphs[roll(len(graphs))], graphs[roll(len(graphs))]
			found += checkDiff(t, a, b)
			data, err := b.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			apart := new(Graph)
			if err := apart.UnmarshalBinary(data); err != nil {
				t.Fatal(err)
			}
			if n := checkDiff(t, b, apart); n != 0 {
				t.Fatalf("a graph and its stored form differ in %d objects", n)
			}
			checkDiff(t, a, apart)
		}
	}
	if found < 1500 {
		t.Errorf("only %d differences were looked at", found)
	}
}

// TestHindsightGoesByTheRightsOfNow: an earlier role gives nothing, a later one takes nothing away.
func TestHindsightGoesByTheRightsOfNow(t *testing.T) {
	w := newWorld(t)
	ada, bob, cleo := w.user("ada"), w.user("bob"), w.user("cleo")
	k := w.key(ada, "k", nil, nil)
	w.do(operator(), EditUser{User: bob, Role: ptr(Admin)})
	w.do(operator(), EditUser{User: ada, Enabled: ptr(false)})
	then := w.g
	w.do(operator(), EditUser{User: bob, Role: ptr(Member)})
	w.do(operator(), EditUser{User: ada, Enabled: ptr(true)})
	w.do(operator(), EditUser{User: cleo, Role: ptr(Auditor)})
	late := w.user("late")
	gone := w.user("gone")
	w.do(operator(), EditUser{User: gone, Enabled: ptr(false)})
	for viewer, want := range map[UserID]bool{ada: true, bob: false, cleo: true, late: false, gone: false, 0: false} {
		if got := w.g.Viewer(Actor{User: viewer}).At(then).CanSeeAuthkey(k); got != want {
			t.Errorf("user %d sees the authkey of ada in the past: %t, want %t", viewer, got, want)
		}
	}
	if w.g.Viewer(Actor{User: late}).At(then).CanSeeUser(&User{}) {
		t.Error("a user sees a time before they were there")
	}
	if u, _ := then.User(bob); u.Role != Admin {
		t.Error("looking back changed the past")
	}
}
