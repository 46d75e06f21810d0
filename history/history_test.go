package history

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// world is a log in memory and the graph that its changes make.
type world struct {
	testing.TB
	log   *eventlog.Log
	graph *graph.Graph
}

func newWorld(t testing.TB) *world {
	t.Helper()
	log, err := eventlog.Open(eventlog.Config{Dir: "log", FS: vfs.NewMem(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return &world{t, log, graph.New()}
}

func (w *world) append(data []byte, apply func(tx *eventlog.Tx, index uint64)) uint64 {
	w.Helper()
	index := w.log.Applied() + 1
	err := w.log.LogStore().StoreLogs([]*raft.Log{{Index: index, Term: 1, Type: raft.LogCommand, Data: data}})
	if err != nil {
		w.Fatal(err)
	}
	tx := w.log.Begin()
	apply(tx, index)
	if err := tx.Commit(index); err != nil {
		w.Fatal(err)
	}
	return index
}

func (w *world) change(by graph.UserID, op graph.Op) uint64 {
	w.Helper()
	return w.append([]byte{byte(entry.KindChange)}, func(_ *eventlog.Tx, index uint64) {
		g, _, err := w.graph.Apply(index, graph.Command{By: graph.Actor{User: by, Operator: by == 0}, Op: op})
		if err != nil {
			w.Fatal(err)
		}
		w.graph = g
	})
}

func (w *world) users(n int) (all []graph.UserID) {
	for i := range n {
		all = append(all, graph.UserID(w.change(0, graph.AddUser{Handle: fmt.Sprint("u", i)})))
	}
	return all
}

// share gives one user what another publishes.
func (w *world) share(from, to graph.UserID, p graph.Pattern, typ graph.ShareType, h graph.History) {
	id := w.change(from, graph.AddShare{Channel: p, User: to, Type: typ, History: h})
	w.change(to, graph.DecideShare{Share: graph.ShareID(id), Accept: true})
}

type message struct {
	channel string
	origin  graph.UserID
}

func (w *world) publish(all ...message) {
	w.Helper()
	var b entry.Builder
	for _, m := range all {
		b.Add(m.channel, 1, uint64(m.origin), 1_700_000_000_000, netip.Addr{}, []byte{0, 0, 0, 5, 3}, 1)
	}
	data := b.Encode([16]byte{1}, w.log.Applied())
	h, err := entry.DecodeHeader(data)
	if err != nil {
		w.Fatal(err)
	}
	w.append(data, func(tx *eventlog.Tx, index uint64) { tx.IndexBatch(index, h) })
}

// holds is what a look at an entry and the reach of each of its runs says.
func (w *world) holds(index uint64, user graph.UserID, patterns []graph.Pattern) bool {
	b, err := w.log.Batch(index)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(b.Runs, func(r entry.Run) bool {
		from, ok := w.graph.Reach(graph.UserID(r.Origin), r.Channel).VisibleFrom(user)
		return ok && from <= index && slices.ContainsFunc(patterns, func(p graph.Pattern) bool { return p.Match(r.Channel) })
	})
}

// all reads everything in [from, end) with a cursor, some at a time, and says which entries were offered in vain.
func (w *world) all(c *Cursor, newest bool, from, end uint64, limit func() int, holds func(uint64) bool) (got []uint64,
	vain int) {
	w.Helper()
	for at := (from); ; {
		entries, next, err := c.Next(at, limit())
		if newest {
			entries, next, err = c.Before(from+end-at, from, limit())
			next = from + end - next
		}
		if err != nil {
			w.Fatal(err)
		}
		for _, i := range entries {
			switch {
			case i < from || i >= end:
			case holds(i):
				got = append(got, i)
			default:
				c.Vain(1)
				vain++
			}
		}
		if next >= end {
			return got, vain
		}
		if next <= at {
			w.Fatalf("the cursor stays at %d", at)
		}
		at = next
	}
}

// A cursor offers every entry that a look at each of them finds, in order, whatever may be spent on seeks.
func TestCursorLeavesNothingOut(t *testing.T) {
	found, through := 0, 0
	for seed := range uint64(6) {
		w, rng := newWorld(t), rand.New(rand.NewPCG(seed, 1))
		users := w.users(30)
		channels, edges := []string{"a", "ab", "a.b", "b", "b.c", "\xff"}, map[string]bool{}
		for range 1500 {
			some := func() graph.UserID { return users[rng.IntN(len(users))] }
			if rng.IntN(12) > 0 {
				var all []message
				for range 1 + rng.IntN(3) {
					all = append(all, message{channels[rng.IntN(len(channels))], some()})
				}
				w.publish(all...)
				continue
			}
			from, to, pattern := some(), some(), []graph.Pattern{"a", "a*", "b", "*", "b.c"}[rng.IntN(5)]
			if edge := fmt.Sprint(from, to, pattern); from != to && !edges[edge] {
				edges[edge] = true
				w.share(from, to, pattern,
					[]graph.ShareType{graph.Own, graph.Own, graph.All}[rng.IntN(3)],
					[]graph.History{graph.FromShare, graph.Full}[rng.IntN(2)])
			}
		}
		for _, user := range append(users, 12345) {
			patterns := [][]graph.Pattern{{"*"}, {"a"}, {"a*", "b"}, {"b", "b.c", "a*"}, {"z"}}[rng.IntN(5)]
			newest, end := rng.IntN(2) == 0, w.log.Applied()+1
			from := 1 + rng.Uint64N(end)*rng.Uint64N(2)
			holds := func(i uint64) bool { return w.holds(i, user, patterns) }
			var want []uint64
			for i := from; i < end; i++ {
				if holds(i) {
					want = append(want, i)
				}
			}
			if newest {
				slices.Reverse(want)
			}
			c := NewCursor(w.log, Select(patterns, NewRights(w.graph, user)), newest)
			c.seeks = []int{1, 10, 100, firstSeeks}[rng.IntN(4)]
			got, _ := w.all(c, newest, from, end, func() int { return 1 + rng.IntN(30) }, holds)
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, user %d, %q from %d, newest first %t, %d seeks:\n%v, want\n%v", seed, user, patterns, from,
					newest, c.seeks, got, want)
			}
			found += len(got)
			if c.through {
				through++
			}
		}
	}
	if found < 5000 || through == 0 {
		t.Errorf("%d entries found, %d cursors went through the log: this test looks at too little", found, through)
	}
}

// Who sees three of the many who publish on a channel pays for three.
func TestCursorPaysForWhatIsSeen(t *testing.T) {
	w := newWorld(t)
	users := w.users(4)
	reader := users[3]
	for _, from := range users[:3] {
		w.share(from, reader, "c*", graph.Own, graph.Full)
	}
	const others, times = 1000, 4
	for range times {
		for i := range others {
			w.publish(message{"c", graph.UserID(100_000 + i)})
		}
		for _, u := range users[:3] {
			w.publish(message{"c", u})
		}
	}
	for _, pattern := range []graph.Pattern{"c", "*"} {
		for _, newest := range []bool{false, true} {
			patterns := []graph.Pattern{pattern}
			c := NewCursor(w.log, Select(patterns, NewRights(w.graph, reader)), newest)
			got, vain := w.all(c, newest, 1, w.log.Applied()+1, func() int { return 64 },
				func(i uint64) bool { return w.holds(i, reader, patterns) })
			if len(got) != 3*times || vain > 0 || c.series > 20 {
				t.Errorf("%s, newest first %t: %d found, %d in vain, %d seeks; want %d for at most 20", pattern, newest, len(got),
					vain, c.series, 3*times)
			}
		}
	}
}

// A cursor that was not given enough to find out goes through the log at first, and learns.
func TestCursorLearnsFromWhatItReadsInVain(t *testing.T) {
	w := newWorld(t)
	users := w.users(3)
	const series = 40
	for i := range series {
		w.publish(message{fmt.Sprint("c", i), users[0]})
	}
	w.share(users[0], users[1], "*", graph.Own, graph.Full)
	for range 3000 {
		w.publish(message{"c", users[2]})
	}
	w.publish(message{"c1", users[0]})
	c := NewCursor(w.log, Select([]graph.Pattern{"*"}, NewRights(w.graph, users[1])), false)
	c.seeks = 8
	got, vain := w.all(c, false, 1, w.log.Applied()+1, func() int { return 16 },
		func(i uint64) bool { return w.holds(i, users[1], []graph.Pattern{"*"}) })
	if len(got) != series+1 || vain > 10*series {
		t.Errorf("%d found, want %d; %d of 3000 were read in vain", len(got), series+1, vain)
	}
}

// Ways are looked for on the channels only on which the user has enabled a share, however many there are.
func TestRightsLookWhereSomethingIsEnabled(t *testing.T) {
	w := newWorld(t)
	users := w.users(2)
	w.share(users[0], users[1], "c7", graph.Own, graph.Full)
	r, seen := NewRights(w.graph, users[1]), 0
	for i := range 10_000 {
		for _, origin := range []graph.UserID{users[0], 999} {
			if _, ok := r.VisibleFrom(origin, fmt.Sprint("c", i)); ok {
				seen++
			}
		}
	}
	if seen != 1 || len(r.memo) != 1 {
		t.Errorf("%d series are seen, ways were looked for on %d channels; want 1 and 1", seen, len(r.memo))
	}
}

// A Memo finds again what it found by the newest graph, and nothing by another; what it keeps is bounded.
func TestMemoGoesByTheGraph(t *testing.T) {
	w := newWorld(t)
	users := w.users(3)
	var m Memo
	graphs := []*graph.Graph{w.graph}
	for _, p := range []graph.Pattern{"c*", "d"} {
		w.share(users[0], users[1], p, graph.Own, graph.Full)
		w.share(users[1], users[2], p, graph.All, graph.Full)
		graphs = append(graphs, w.graph)
	}
	for _, i := range rand.Perm(30) {
		g, user, prefix := graphs[i%3], users[i%2+1], []string{"", "c", "d", "e", "dd"}[i%5]
		if got, want := m.Rights(g, user).Within(prefix), NewRights(g, user).Within(prefix); !slices.Equal(got, want) {
			t.Errorf("graph %d, user %d, %q: %v, want %v", i%3, user, prefix, got, want)
		}
	}
	computed := 0
	find := func(prefix string, n int) int {
		return len(m.find(w.graph, bound{users[1], prefix}, func() []uint64 {
			computed++
			return make([]uint64, n)
		}))
	}
	for range 3 {
		if n := find("new", 7); n != 7 || computed != 1 {
			t.Errorf("%d found, computed %d times", n, computed)
		}
	}
	for i := range 300 {
		find(fmt.Sprint(i), 10_000)
		if m.size > maxOrigins+10_001 {
			t.Fatalf("%d origins are kept", m.size)
		}
	}
}

// BenchmarkFirst is the first look of a reader who may see three of 10,000 who publish on a channel.
func BenchmarkFirst(b *testing.B) {
	w := newWorld(b)
	users := w.users(4)
	for _, from := range users[:3] {
		w.share(from, users[3], "c*", graph.Own, graph.Full)
	}
	for range 3 {
		for i := range 10_000 {
			w.publish(message{"c", graph.UserID(100_000 + i)})
		}
		for _, u := range users[:3] {
			w.publish(message{"c", u})
		}
	}
	for _, pattern := range []graph.Pattern{"c", "*"} {
		b.Run(string(pattern), func(b *testing.B) {
			for b.Loop() {
				c := NewCursor(w.log, Select([]graph.Pattern{pattern}, NewRights(w.graph, users[3])), false)
				if found, _, err := c.Next(1, 64); err != nil || len(found) != 9 {
					b.Fatal(len(found), err)
				}
			}
		})
	}
}
