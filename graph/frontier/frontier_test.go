package frontier

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestQueueGivesTheLeastFirst(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var q Queue
	var want []End
	for range 2000 {
		if e := (End{rng.Uint64N(50), rng.Int32N(50)}); rng.IntN(3) > 0 {
			q.Push(e)
			want = append(want, e)
			continue
		}
		if len(want) == 0 {
			continue
		}
		slices.SortFunc(want, func(a, b End) int { return cmp.Or(cmp.Compare(a.Weight, b.Weight), cmp.Compare(a.At, b.At)) })
		if got := q.Pop(); got != want[0] {
			t.Fatalf("got %v, want %v", got, want[0])
		}
		want = want[1:]
	}
	if len(q) != len(want) {
		t.Errorf("%d are left, want %d", len(q), len(want))
	}
}
