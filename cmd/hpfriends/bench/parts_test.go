package bench

import (
	"math"
	"testing"
)

func TestBoundIsOfWhatCameBetween(t *testing.T) {
	first := counts{.001: 100, .01: 100, .1: 100, math.Inf(1): 100}
	last := counts{.001: 150, .01: 198, .1: 200, math.Inf(1): 200}
	for part, want := range map[float64]float64{.5: .001, .98: .01, .99: .1, 1: .1} {
		if got := bound(first, last, part, func(float64) float64 { return 1 }); got != want {
			t.Errorf("%v of them ended by %v s, want %v", part, got, want)
		}
	}
	// 50 of 1 ms, 48 of 10 ms and 2 of 100 ms are 0.05, 0.48 and 0.2 s.
	for part, want := range map[float64]float64{.06: .001, .07: .01, .72: .01, .73: .1} {
		if got := bound(first, last, part, func(b float64) float64 { return b }); got != want {
			t.Errorf("%v of their time was in those of at most %v s, want %v", part, got, want)
		}
	}
}

// The figures come in the order of a batch's way.
func TestPartsAreInTheOrderOfTheWay(t *testing.T) {
	figures := partFigures(", here", nil, nil)
	if len(figures) != 2*len(parts) {
		t.Fatalf("%d parts have %d figures", len(parts), len(figures))
	}
	for i, p := range parts {
		for j, what := range []string{", here, p99 is at most", ", here, p99 of their time is at most"} {
			if got := figures[2*i+j].Name; got != p.name+what {
				t.Errorf("figure %d is %q", 2*i+j, got)
			}
		}
	}
}
