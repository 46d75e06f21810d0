package eventlog

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hpfriends/eventlog/entry"
	"hpfriends/eventlog/layout"
)

// chosen are origins as a test chooses them. Its bounds are wide, as they may be.
type chosen struct {
	first map[layout.Series]uint64
	extra []uint64 // of whom nothing is selected
}

func (c chosen) origins(want func(channel string) bool) []uint64 {
	all := slices.Clone(c.extra)
	for of := range c.first {
		if want(of.Channel) {
			all = append(all, of.Origin)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (c chosen) On(channel string) []uint64 {
	return c.origins(func(other string) bool { return channel == other })
}

func (c chosen) Within(prefix string) []uint64 {
	return c.origins(func(channel string) bool { return strings.HasPrefix(channel, prefix) })
}

func (c chosen) From(origin uint64, channel string) (first uint64, ok bool) {
	first, ok = c.first[layout.Series{Channel: channel, Origin: origin}]
	return first, ok
}

// matches reports whether a selector selects a channel.
func matches(s Selector) func(channel string) bool {
	return func(channel string) bool {
		return slices.Contains(s.Exact, channel) ||
			slices.ContainsFunc(s.Prefixes, func(p string) bool { return strings.HasPrefix(channel, p) })
	}
}

// want is what a look at everything finds.
func (q *Lookup) want(held map[uint64][]layout.Series) (all []uint64) {
	match := matches(q.Selector)
	for i, of := range held {
		selected := slices.ContainsFunc(of, func(s layout.Series) bool {
			if q.Origins == nil || !match(s.Channel) {
				return match(s.Channel)
			}
			first, ok := q.Origins.From(s.Origin, s.Channel)
			return ok && i >= first
		})
		if selected && i >= q.From && i < q.End {
			all = append(all, i)
		}
	}
	slices.Sort(all)
	if q.Newest {
		slices.Reverse(all)
	}
	return all[:min(q.Limit, len(all))]
}

// A lookup finds what a look at every entry would find, whatever is selected, in both directions, and with whatever it
// may spend, or it says that it has spent it.
func TestLookupFindsWhatALookAtEverythingDoes(t *testing.T) {
	l := openLog(t, vfs.NewMem())
	rng := rand.New(rand.NewPCG(3, 3))
	channels := []string{"a", "a\x00", "ab", "a\x00\x01", "b", "\x00", "\xff\xff"}
	someone := func() uint64 { return uint64(rng.ExpFloat64() * 12) }
	held := map[uint64][]layout.Series{}
	for i := uint64(1); i <= 400; i++ {
		var b entry.Builder
		for range 1 + rng.IntN(3) {
			of := layout.Series{Channel: channels[rng.IntN(len(channels))], Origin: someone()}
			b.Add(of.Channel, 1, of.Origin, noon.UnixMilli(), netip.Addr{}, frame(1, byte(i)), 1)
			held[i] = append(held[i], of)
		}
		storeLogs(t, l, command(i, 1, b.Encode([16]byte{1}, 1)))
	}
	apply(t, l, 400)
	raise(t, l, 31)
	if err := l.Retention().Reclaim(); err != nil {
		t.Fatal(err)
	}
	for i := range uint64(31) {
		delete(held, i)
	}
	selectors := []Selector{
		{Exact: []string{"a"}}, {Exact: []string{"a\x00"}}, {Exact: []string{"a", "b", "nothing"}}, {Prefixes: []string{"a"}},
		{Prefixes: []string{"a\x00"}}, {Exact: []string{"b", "a"}, Prefixes: []string{"ab", "a"}}, {Prefixes: []string{""}},
		{Prefixes: []string{"\xff"}}, {},
	}
	spent, found := 0, 0
	for range 4000 {
		q := Lookup{Selector: selectors[rng.IntN(len(selectors))], From: rng.Uint64N(410), Limit: 1 + rng.IntN(60),
			Newest: rng.IntN(2) == 0, Seeks: rng.IntN(3) * rng.IntN(60)}
		if q.End = q.From + rng.Uint64N(200); rng.IntN(2) == 0 {
			q.From, q.End = 0, 500
		}
		if rng.IntN(4) > 0 {
			c := chosen{first: map[layout.Series]uint64{}}
			for range rng.IntN(30) {
				c.first[seriesOf(channels[rng.IntN(len(channels))], someone())] = rng.Uint64N(2) * rng.Uint64N(400)
			}
			for range rng.IntN(2) * rng.IntN(2*someOrigins) {
				c.extra = append(c.extra, 1000+rng.Uint64N(4*someOrigins))
			}
			q.Origins = c
		}
		got, err := l.Lookup(q)
		if err != nil {
			t.Fatal(err)
		}
		if got.Spent {
			if spent++; q.Seeks == 0 || len(got.Indexes) > 0 {
				t.Fatalf("%+v: spent, and %v", q, got)
			}
			continue
		}
		if q.Seeks > 0 && got.Seeks > q.Seeks {
			t.Fatalf("%+v took %d seeks", q, got.Seeks)
		}
		found += len(got.Indexes)
		if w := q.want(held); !slices.Equal(got.Indexes, w) {
			t.Fatalf("%+v: %v, want %v", q, got.Indexes, w)
		}
	}
	if spent < 100 || found < 10_000 {
		t.Errorf("%d lookups had spent, %d indexes were found: this test looks at too little", spent, found)
	}
	verify(t, l)
}

// What others publish on the same channel costs nothing.
func TestLookupCostsTheSeriesThatAreSelected(t *testing.T) {
	byItself(t)
	l := openLog(t, vfs.NewMem())
	for i := range uint64(20) {
		var b entry.Builder
		for n := range uint64(500) {
			b.Add("c", 1, 500*(i%10)+n, noon.UnixMilli(), netip.Addr{}, frame(1, 1), 1)
			b.Add(fmt.Sprintf("other.%d", n), 1, 3, noon.UnixMilli(), netip.Addr{}, frame(1, 1), 1)
		}
		storeLogs(t, l, command(i+1, 1, b.Encode([16]byte{1}, 1)))
	}
	apply(t, l, 20)
	few := chosen{first: map[layout.Series]uint64{seriesOf("c", 3): 0, seriesOf("c", 1777): 0, seriesOf("c", 4999): 0}}
	for _, sel := range []Selector{{Exact: []string{"c"}, Origins: few}, {Prefixes: []string{"c"}, Origins: few}} {
		for _, newest := range []bool{false, true} {
			got, err := l.Lookup(Lookup{Selector: sel, End: 100, Limit: 100, Newest: newest})
			if err != nil || len(got.Indexes) != 6 || got.Seeks > 9 {
				t.Errorf("%+v: %+v, %v, want 6 entries for at most 9 seeks", sel, got, err)
			}
		}
	}
}
