package graph

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"
)

// bigWorld is a graph of so many users and shares, built by Apply: most shares are between two users, each user is in
// one of the groups, a fifth of the shares are with a group and a few with everyone, and most receivers have accepted.
func bigWorld(tb testing.TB, users, shares int) (g *Graph, index uint64, ids []UserID) {
	g = New()
	r := rand.New(rand.NewPCG(5, 6))
	index = 1
	do := func(by Actor, op Op) uint64 {
		index++
		next, out, err := g.Apply(index, Command{By: by, Time: base, Op: op})
		if err != nil {
			tb.Fatalf("%s: %v", opName(op), err)
		}
		g = next
		return out.Object
	}
	for i := range users {
		ids = append(ids, UserID(do(operator(), AddUser{Handle: fmt.Sprintf("user%d", i)})))
	}
	var groups []GroupID
	for i := 0; i+20 <= users; i += 20 {
		gr := GroupID(do(user(ids[i]), AddGroup{Name: fmt.Sprintf("group%d", i)}))
		for _, u := range ids[i+1 : i+20] {
			do(user(ids[i]), AddMember{Group: gr, User: u})
		}
		groups = append(groups, gr)
	}
	for i := 0; i < shares; {
		by := ids[r.IntN(len(ids))]
		op := AddShare{Channel: Pattern(fmt.Sprintf("channel%d", r.IntN(200))), Type: []ShareType{Own, All}[r.IntN(2)]}
		if r.IntN(4) == 0 {
			op.Channel = "*" // enough to connect a good part of all users with each other
		}
		var accept []UserID
		switch k := r.IntN(10000); {
		case k < 1 && i > shares/2:
			op.Group = Everyone
			accept = ids[:min(50, len(ids))]
		case k < 2000:
			op.Group = groups[r.IntN(len(groups))]
			for m := range g.Members(op.Group) {
				if r.IntN(20) == 0 {
					accept = append(accept, m.User)
				}
			}
		default:
			if op.User = ids[r.IntN(len(ids))]; op.User == by {
				continue
			}
			accept = []UserID{op.User}
		}
		index++
		next, out, err := g.Apply(index, Command{By: user(by), Time: base, Op: op})
		if err != nil {
			continue // such a share is there already
		}
		g, i = next, i+1
		for _, u := range accept {
			if u != by {
				do(user(u), DecideShare{ShareID(out.Object), true})
			}
		}
	}
	return g, index, ids
}

// mixedChange is one of the changes people make all day.
func mixedChange(g *Graph, ids []UserID, n int, r *rand.Rand) Command {
	by := ids[r.IntN(len(ids))]
	c := Command{By: user(by), Time: base}
	switch n % 8 {
	case 0, 1:
		c.Op = AddShare{Channel: Pattern(fmt.Sprintf("new%d", n)), User: ids[r.IntN(len(ids))], Type: All}
	case 2:
		c.Op = AddAuthkey{Ident: fmt.Sprintf("key%d", n), Secret: []byte("sealed"), Pub: []Pattern{"*"}}
	case 3:
		if s := nth(g.SharesOf(by), 3); s != nil {
			c.Op = RemoveShare{s.ID}
			break
		}
		fallthrough
	default:
		c.Op = EditUser{User: by, Name: ptr("name")}
		for s, accepted := range g.SharesWith(by) {
			c.Op = DecideShare{s.ID, !accepted}
			if r.IntN(4) == 0 {
				break
			}
		}
	}
	return c
}

func percentile(d []time.Duration, p float64) float64 {
	slices.Sort(d)
	return float64(d[int(float64(len(d)-1)*p)].Nanoseconds())
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkChangeAtScale: deciding and applying one change at 100,000 users and 1,000,000 shares, and following it with
// a view in which 64 reaches are in use. Building that takes a while.
func BenchmarkChangeAtScale(b *testing.B) {
	before := heap()
	began := time.Now()
	g, index, ids := bigWorld(b, 100_000, 1_000_000)
	b.Logf("built %d changes in %v, %d acceptances", index, time.Since(began), g.decided.Len())
	size := float64(heap()-before) / (1 << 20)
	r := rand.New(rand.NewPCG(7, 8))
	b.Run("Apply", func(b *testing.B) {
		var took []time.Duration
		for n := 0; b.Loop(); n++ {
			c := mixedChange(g, ids, n, r)
			index++
			t := time.Now()
			next, _, _ := g.Apply(index, c)
			took = append(took, time.Since(t))
			g = next
		}
		b.ReportMetric(size, "MiB/graph")
		b.ReportMetric(percentile(took, 0.50), "p50-ns")
		b.ReportMetric(percentile(took, 0.99), "p99-ns")
	})
	follow := func(name string, lanes int, change func(n int) Command) {
		b.Run(name, func(b *testing.B) {
			v := NewView(g, 1024)
			for i := range lanes {
				v.Reach(ids[i], "channel0")
			}
			var took []time.Duration
			for n := 0; b.Loop(); n++ {
				index++
				next, _, err := g.Apply(index, change(n))
				if g = next; err != nil {
					continue
				}
				t := time.Now()
				v.Advance(g)
				v.Reach(ids[n%lanes], "channel0")
				took = append(took, time.Since(t))
			}
			b.ReportMetric(percentile(took, 0.50), "p50-ns")
			b.ReportMetric(percentile(took, 0.99), "p99-ns")
			b.ReportMetric(float64(v.members)/float64(len(v.memo)), "members/reach")
		})
	}
	follow("AdvanceAndReach", 16, func(n int) Command { return mixedChange(g, ids, n, r) })
	// One share with everyone, which all 100,000 have accepted, and of whom one after the other thinks again.
	all := Command{By: user(ids[0]), Time: base, Op: AddShare{Channel: "channel*", Group: Everyone}}
	g, out, err := g.Apply(index+1, all)
	if err != nil {
		b.Fatal(err)
	}
	decide := func(u UserID, accept bool) Command {
		return Command{By: user(u), Time: base, Op: DecideShare{ShareID(out.Object), accept}}
	}
	index++
	for _, u := range ids[1:] {
		index++
		g, _, _ = g.Apply(index, decide(u, true))
	}
	follow("DecideAmong100000", 1, func(n int) Command {
		u := ids[1+n/2*7919%(len(ids)-1)]
		return decide(u, n%2 == 1)
	})
	b.Run("RemoveShareOf100000", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := g.Apply(index+1<<32,
				Command{By: user(ids[0]), Time: base, Op: RemoveShare{ShareID(out.Object)}}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ReachFromScratch", func(b *testing.B) {
		n := 0
		for i := 0; b.Loop(); i++ {
			n += g.Reach(ids[i%len(ids)], "channel0").Len()
		}
		b.ReportMetric(float64(n)/float64(b.N), "members/reach")
	})
	b.Run("Store", func(b *testing.B) {
		for b.Loop() {
			data, err := g.MarshalBinary()
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(data)))
		}
	})
	b.Run("Load", func(b *testing.B) {
		data, _ := g.MarshalBinary()
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if err := new(Graph).UnmarshalBinary(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestChangesStayFastAsTheGraphGrows: the guard for BenchmarkChangeAtScale. A change of a graph with 32 times the
// shares must not cost much more than one of the small graph: with copies of whole maps it would cost 32 times as much.
func TestChangesStayFastAsTheGraphGrows(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a larger graph")
	}
	bytesPerChange := func(users, shares int) uint64 {
		g, index, ids := bigWorld(t, users, shares)
		r := rand.New(rand.NewPCG(9, 9))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		applied := uint64(0)
		for n := range 2000 {
			index++
			next, _, err := g.Apply(index, mixedChange(g, ids, n, r))
			if g = next; err == nil {
				applied++
			}
		}
		runtime.ReadMemStats(&after)
		return (after.TotalAlloc - before.TotalAlloc) / applied
	}
	small, large := bytesPerChange(200, 1000), bytesPerChange(6400, 32000)
	t.Logf("%d bytes a change at 1,000 shares, %d at 32,000", small, large)
	if large > 3*small {
		t.Errorf("a change allocates %d bytes at 1,000 shares and %d at 32,000", small, large)
	}
}
