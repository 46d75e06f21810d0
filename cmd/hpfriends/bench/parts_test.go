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
