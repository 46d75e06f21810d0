package graph

import (
	"fmt"
	"slices"
	"testing"
)

// fullGroup is a graph in which so many users are in one group, with which the first of them shares, and all others
// have enabled that. It returns the users, the group, the share, and what makes the next change.
func fullGroup(tb testing.TB, users int) (
	g *Graph, ids []UserID, group GroupID, share ShareID, apply func(*Graph, Actor, Op) *Graph,
) {
	index := uint64(1)
	var object uint64
	apply = func(g *Graph, by Actor, op Op) *Graph {
		index++
		next, out, err := g.Apply(index, Command{By: by, Time: base, Op: op})
		if err != nil {
			tb.Fatalf("%s: %v", opName(op), err)
		}
		object = out.Object
		return next
	}
	g = New()
	for i := range users {
		g = apply(g, operator(), AddUser{Handle: fmt.Sprintf("user%d", i)})
		ids = append(ids, UserID(object))
	}
	g = apply(g, user(ids[0]), AddGroup{Name: "crowd"})
	group = GroupID(object)
	for _, u := range ids[1:] {
		g = apply(g, user(ids[0]), AddMember{Group: group, User: u})
	}
	g = apply(g, user(ids[0]), AddShare{Channel: "*", Group: group})
	share = ShareID(object)
	for _, u := range ids[1:] {
		g = apply(g, user(u), DecideShare{share, true})
	}
	return g, ids, group, share, apply
}

// TestWhatIsLeftOverIsSwept: removing what many have enabled, and what many are in, leaves nothing that anybody sees,
// and further changes remove the rest, a few entries each.
func TestWhatIsLeftOverIsSwept(t *testing.T) {
	g, ids, group, share, apply := fullGroup(t, 300)
	g = apply(g, user(ids[0]), RemoveGroup{group})
	if _, decided := g.Decision(share, ids[1]); decided || len(slices.Collect(g.AcceptedBy(ids[1]))) != 0 {
		t.Error("a decision on a share that is gone still shows")
	}
	for m := range g.GroupsOf(ids[1]) {
		if m.Group != Everyone {
			t.Error("a membership in a group that is gone still shows")
		}
	}
	left := func() int { return g.byReceiver.Len() + g.memberOf.Len() }
	for left() > 0 {
		before := left()
		g = apply(g, user(ids[0]), EditUser{User: ids[0], Name: ptr("name")})
		if now := left(); before-now > 2*sweepStep || now == before {
			t.Fatalf("one change has swept %d of %d", before-now, before)
		}
	}
}

// TestLeavingCostsWhatOneHasDecided: who leaves a group, or is removed, loses the decisions on its shares, no others.
func TestLeavingCostsWhatOneHasDecided(t *testing.T) {
	g, ids, group, share, apply := fullGroup(t, 3)
	bob := ids[1]
	decide := func(by UserID, op AddShare) ShareID {
		g = apply(g, user(by), op)
		id := ShareID(g.Index())
		if op.User == 0 || op.User == bob {
			g = apply(g, user(bob), DecideShare{id, true})
		}
		return id
	}
	direct := decide(ids[0], AddShare{Channel: "direct", User: bob})
	public := decide(ids[2], AddShare{Channel: "public", Group: Everyone})
	second := decide(ids[2], AddShare{Channel: "second", Group: group})
	g = apply(g, user(bob), RemoveMember{group, bob})
	var got []ShareID
	for s := range g.AcceptedBy(bob) {
		got = append(got, s.ID)
	}
	if want := []ShareID{direct, public}; !slices.Equal(got, want) {
		t.Errorf("enabled after leaving: %v, want %v (%d and %d were with the group)", got, want, share, second)
	}
	g = apply(g, operator(), RemoveUser{User: bob})
	if n := g.decided.Len(); n != 1 { // of the third, on the first share
		t.Errorf("%d decisions are left, want 1", n)
	}
}

// BenchmarkMassChange: one change that concerns 100,000 users at once.
func BenchmarkMassChange(b *testing.B) {
	g, ids, group, share, apply := fullGroup(b, 100_001)
	g = apply(g, operator(), SetGroupAdmin{group, ids[1], true})
	for _, op := range []Op{
		RemoveShare{share}, RemoveGroup{group}, RemoveUser{User: ids[0]}, EditUser{User: ids[0], Enabled: ptr(false)},
		AddShare{Channel: "other", Group: group}, EditShare{Share: share, Note: ptr("TLP:RED")},
		RemoveMember{group, ids[2]},
	} {
		by := operator()
		if _, adds := op.(AddShare); adds {
			by = user(ids[0])
		}
		b.Run(opName(op), func(b *testing.B) {
			for b.Loop() {
				if _, _, err := g.Apply(g.Index()+1, Command{By: by, Time: base, Op: op}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
