package graph

import (
	"bytes"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"hpfriends/graph/tree"
)

// naiveReach follows the words of the definition: every edge there is, again and again, until nothing changes.
func naiveReach(g *Graph, origin UserID, channel string) map[UserID]uint64 {
	counts := func(id UserID) bool { u, ok := g.User(id); return ok && u.Enabled }
	from := make(map[UserID]uint64)
	if !counts(origin) {
		return from
	}
	from[origin] = 0
	for changed := true; changed; {
		changed = false
		for s := range g.Shares() {
			begin, in := from[s.Owner]
			if !in || s.Expired || !s.Channel.Match(channel) || s.Type == Own && s.Owner != origin {
				continue
			}
			receivers := map[UserID]uint64{s.User: s.Created.Index}
			if s.Group != 0 {
				receivers = make(map[UserID]uint64)
				for m := range g.Members(s.Group) {
					receivers[m.User] = max(s.Created.Index, m.Joined.Index)
				}
			}
			for u, start := range receivers {
				if s.History == Full {
					start = 0
				}
				old, in := from[u]
				if start = max(start, begin); counts(u) && g.Accepted(s.ID, u) && (!in || start < old) {
					from[u], changed = start, true
				}
			}
		}
	}
	return from
}

func collect(r *Reach) map[UserID]uint64 {
	m := maps.Collect(r.All())
	for u, from := range m {
		if got, ok := r.VisibleFrom(u); !ok || got != from || !r.Has(u) {
			panic(fmt.Sprintf("All and VisibleFrom differ for %d", u))
		}
	}
	if r.Len() != len(m) {
		panic("Len and All differ")
	}
	return m
}

func encode(t testing.TB, g *Graph) []byte {
	data, err := g.MarshalBinary()
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	return data
}

// sameKeys compares an index with the one rebuilt from a stored graph.
func sameKeys[K comparable, V any](t *testing.T, what string, a, b tree.Map[K, V]) {
	keys := func(tr tree.Map[K, V]) iter.Seq[K] {
		return func(yield func(K) bool) { tr.All()(func(k K, _ V) bool { return yield(k) }) }
	}
	if ka, kb := slices.Collect(keys(a)), slices.Collect(keys(b)); !slices.Equal(ka, kb) || a.Len() != b.Len() {
		t.Fatalf("index %s holds %v, rebuilt it holds %v", what, ka, kb)
	}
}

// withoutLeftovers is m without what the sweep would still remove.
func withoutLeftovers[V any](m tree.Map[tree.Pair, V], live func(uint64) bool) tree.Map[tree.Pair, V] {
	all := m
	for p := range all.All() {
		if !live(p.B) {
			m.Remove(new(tree.Edit), p)
		}
	}
	return m
}

// checkStored stores and reads the graph: what is derived must be exactly what can be derived from what is stored.
func checkStored(t *testing.T, g *Graph) *Graph {
	data := encode(t, g)
	r := new(Graph)
	if err := r.UnmarshalBinary(data); err != nil {
		t.Fatalf("read: %v", err)
	}
	if !bytes.Equal(encode(t, r), data) {
		t.Fatalf("a stored graph differs from the one read")
	}
	sameKeys(t, "handles", g.users.byHandle, r.users.byHandle)
	sameKeys(t, "names", g.groups.byName, r.groups.byName)
	sameKeys(t, "members", g.groups.members, r.groups.members)
	sameKeys(t, "admins", g.groups.admins.Map, r.groups.admins.Map)
	sameKeys(t, "memberOf", withoutLeftovers(g.groups.memberOf.Map, g.groups.byID.Has), r.groups.memberOf.Map)
	sameKeys(t, "idents", g.idents, r.idents)
	sameKeys(t, "keysOf", g.keysOf.Map, r.keysOf.Map)
	sameKeys(t, "hashes", g.hashes, r.hashes)
	sameKeys(t, "tokensOf", g.tokensOf.Map, r.tokensOf.Map)
	sameKeys(t, "invitations by hash", g.byHash, r.byHash)
	sameKeys(t, "invitesOf", g.invitesOf.Map, r.invitesOf.Map)
	sameKeys(t, "invitesTo", g.invitesTo.Map, r.invitesTo.Map)
	sameKeys(t, "byEdge", g.byEdge, r.byEdge)
	sameKeys(t, "toUser", g.toUser.Map, r.toUser.Map)
	sameKeys(t, "toGroup", g.toGroup.Map, r.toGroup.Map)
	sameKeys(t, "decided", g.decided, r.decided)
	sameKeys(t, "byReceiver", withoutLeftovers(g.byReceiver, g.shares.Has), r.byReceiver)
	sameKeys(t, "expiry", g.expiry, r.expiry)
	return r
}

// checkGroups: every group but everyone has an admin.
func checkGroups(t *testing.T, g *Graph) {
	for gr := range g.Groups() {
		admins := 0
		for m := range g.Members(gr.ID) {
			if m.Admin {
				admins++
			}
		}
		if (admins == 0) != (gr.ID == Everyone) {
			t.Fatalf("group %s has %d admins", gr.Name, admins)
		}
	}
}

// checkRevokes: an operation that is said to take nothing away does not.
func checkRevokes(t *testing.T, before, after *Graph, op Op, roll dice) {
	if operationOf(op).revokes(op) {
		return
	}
	origin, channel := randomUser(before, roll), channels[roll(len(channels))]
	now := naiveReach(after, origin, channel)
	for u, from := range naiveReach(before, origin, channel) {
		if later, ok := now[u]; !ok || later > from {
			t.Fatalf("%s %+v took (%d, %s) away from user %d", opName(op), op, origin, channel, u)
		}
	}
	for k := range before.Authkeys() {
		if before.MaySubscribe(k, channel) == nil && after.MaySubscribe(k, channel) != nil {
			t.Fatalf("%s %+v took %s away from authkey %s", opName(op), op, channel, k.Ident)
		}
	}
}

var channels = []string{"a", "ab", "b", "$x"}

// coverage counts what the random histories came across, so that the property is known to be about something.
type coverage struct{ applied, refused, far, updated int }

// TestReachByAnyMeans is the main property: after every one of any changes, the reach kept up to date by a view, the
// one computed from scratch and the one by definition are the same, members and positions; and what a history leads to
// is the same for whoever follows it, refused commands change nothing, and earlier graphs stay as they were.
func TestReachByAnyMeans(t *testing.T) {
	var seen coverage
	for seed := range histories(t) {
		t.Run(fmt.Sprintf("seed=%d", seed),
			func(t *testing.T) { checkHistory(t, rand.New(rand.NewPCG(seed, 1)).IntN, &seen) })
	}
	t.Logf("%+v", seen)
	if least := 4 * int(histories(t)); seen.applied < least || seen.refused < least || seen.far < least ||
		seen.updated < least {
		t.Errorf("the histories were too dull: %+v", seen)
	}
}

// histories is how many random histories to try: HPFRIENDS_GRAPH_HISTORIES, or some.
func histories(t *testing.T) uint64 {
	if n, err := strconv.ParseUint(os.Getenv("HPFRIENDS_GRAPH_HISTORIES"), 10, 64); err == nil {
		return n
	}
	if testing.Short() {
		return 60
	}
	return 150
}

func checkHistory(t *testing.T, roll dice, seen *coverage) {
	type past struct {
		g    *Graph
		data []byte
	}
	g, twin := New(), New()
	keen, lazy := NewView(g, 64), NewView(g, 2)
	history := []past{{g, encode(t, g)}}
	for i := range 6 { // something to begin with
		g, _, _ = g.Apply(uint64(i+2), Command{By: operator(), Time: at(1), Op: AddUser{Handle: fmt.Sprintf("v%d", i)}})
		twin, _, _ = twin.Apply(uint64(i+2), Command{By: operator(), Time: at(1), Op: AddUser{Handle: fmt.Sprintf("v%d", i)}})
	}
	for index, end := uint64(10), uint64(60+roll(240)); index < end; index++ {
		c := randomCommand(g, index, roll)
		next, _, err := g.Apply(index, c)
		if twin, _, _ = twin.Apply(index, c); err != nil {
			seen.refused++
			if next != g || next.Index() == index {
				t.Fatalf("refused %s changed the graph", c.OpName())
			}
		} else {
			seen.applied++
			checkRevokes(t, g, next, c.Op, roll)
		}
		g = next
		if !bytes.Equal(encode(t, g), encode(t, twin)) {
			t.Fatalf("the same commands led to different graphs")
		}
		if index%16 == 0 {
			history = append(history, past{g, encode(t, g)})
			twin = checkStored(t, g)
			checkGroups(t, g)
		}
		keen.Advance(g)
		checkReaches(t, g, keen, roll, seen)
		if roll(8) == 0 {
			lazy.Advance(g)
			checkReaches(t, g, lazy, roll, seen)
		}
	}
	for _, p := range history {
		if !bytes.Equal(encode(t, p.g), p.data) {
			t.Fatalf("the graph of #%d has changed since", p.g.Index())
		}
	}
}

func checkReaches(t *testing.T, g *Graph, v *View, roll dice, seen *coverage) {
	for range 2 {
		origin, channel := randomUser(g, roll), channels[roll(len(channels))]
		want := naiveReach(g, origin, channel)
		if m, ok := v.memo[reachKey{origin, channel}]; ok && m.next >= v.first && m.next < v.first+uint64(len(v.deltas)) {
			seen.updated++
		}
		if len(want) > 3 {
			seen.far++
		}
		if got := collect(g.Reach(origin, channel)); !maps.Equal(got, want) {
			t.Fatalf("#%d: reach of (%d, %s) from scratch is %v, want %v", g.Index(), origin, channel, got, want)
		}
		if got := collect(v.Reach(origin, channel)); !maps.Equal(got, want) {
			t.Fatalf("#%d: reach of (%d, %s) in the view is %v, want %v", g.Index(), origin, channel, got, want)
		}
		to := randomUser(g, roll)
		from, ok := g.Sources(to, channel).VisibleFrom(origin)
		if wantFrom, wantOK := want[to]; ok != wantOK || from != wantFrom {
			t.Fatalf("#%d: source %d of (%d, %s) is visible from %d, %t; want %d, %t", g.Index(), origin, to, channel, from, ok,
				wantFrom, wantOK)
		}
		prefix := channel[:roll(len(channel)+1)]
		bound, known := g.SourcesWithin(to, prefix).VisibleFrom(origin)
		if ok && (!known || bound > from) {
			t.Fatalf("#%d: source %d of (%d, %s) is visible from %d; within %s* it is said to be from %d, %t", g.Index(), origin,
				to, channel, from, prefix, bound, known)
		}
	}
}
