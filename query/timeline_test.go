package query

import (
	"testing"
	"time"

	"hpfriends/graph"
)

// A timeline counts exactly what the viewer may read, message by message; by segments it keeps the totals of channels
// over a period that holds them whole.
func TestTimelineCountsWhatMayBeRead(t *testing.T) {
	counted := uint64(0)
	for seed := range seeds(t) {
		w := newQueryWorld(t, 3000+seed)
		for range 200 {
			w.step()
		}
		whole := TimelineQuery{Patterns: []graph.Pattern{"*"}, Since: day, Until: day.Add(time.Hour), Buckets: 7}
		part := TimelineQuery{
			Patterns: []graph.Pattern{"a*", "ab", w.pattern()}, Since: day.Add(40 * time.Second),
			Until: day.Add(170 * time.Second), Buckets: 1 + w.IntN(20),
		}
		for _, viewer := range w.viewers() {
			for _, query := range []TimelineQuery{whole, part} {
				want := w.naiveTally(viewer, query)
				got, err := w.q.tally(t.Context(), viewer, query, 1000)
				if err != nil || got.estimate || toJSON(t, got.channels) != toJSON(t, want.channels) {
					t.Fatalf("seed %d, %+v sees %v, want %v, %v", seed, viewer, got.channels, want.channels, err)
				}
			}
			want := w.naiveTally(viewer, whole)
			got, err := w.q.tally(t.Context(), viewer, whole, 0)
			if err != nil || len(got.channels) != len(want.channels) {
				t.Fatalf("seed %d, %+v by segments: %v, want %v, %v", seed, viewer, got.channels, want.channels, err)
			}
			for name, counts := range want.channels {
				if sum(got.channels[name]) != sum(counts) {
					t.Errorf("seed %d, %+v by segments: %v of %q, want %v", seed, viewer, got.channels[name], name, counts)
				}
				counted += sum(counts)
			}
		}
	}
	if counted < 1000 {
		t.Errorf("%d messages: this test looks at too little", counted)
	}
}

func sum(counts []uint64) (n uint64) {
	for _, c := range counts {
		n += c
	}
	return n
}

func (w *world) naiveTally(viewer graph.Actor, query TimelineQuery) *tally {
	all := &tally{TimelineQuery: query, channels: make(map[string][]uint64)}
	for i := w.Log.Floor(); i <= w.Log.Applied(); i++ {
		b, err := w.Log.Batch(i)
		if err != nil {
			continue
		}
		for _, r := range b.Runs {
			from, ok := w.Graph.Reach(graph.UserID(r.Origin), r.Channel).VisibleFrom(viewer.User)
			if all.asked(r.Channel) && (viewer.Operator || ok && from <= i) {
				all.add(r.Channel, r.Time, uint64(r.Count))
			}
		}
	}
	return all
}

// What came evenly within a time is spread over its buckets, and nothing is lost on the way.
func TestSpreadKeepsTheSum(t *testing.T) {
	l := tally{TimelineQuery{nil, day, day.Add(10 * time.Second), 5}, map[string][]uint64{}, false}
	at := func(seconds float64) int64 { return day.Add(time.Duration(seconds * float64(time.Second))).UnixMilli() }
	l.spread("a", at(1), at(9), 80)
	l.spread("b", at(-10), at(10), 200)
	l.spread("c", at(3), at(3), 7)
	if got := toJSON(t, l.channels); got != `{"a":[10,20,20,20,10],"b":[20,20,20,20,20],"c":[0,7,0,0,0]}` {
		t.Error(got)
	}
}
