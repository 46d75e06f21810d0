package bench

import (
	"math"
	"testing"
)

func TestBoundIsOfWhatCameBetween(t *testing.T) {
	first := counts{.001: 100, .01: 100, .1: 100, math.Inf(1): 100}
	last := counts{.001: 150, .01: 198, .1: 200, math.Inf(1): 200}
	for part, want := range map[float64]float64{.5: .001, .98: .01, .99: .1, 1: .1} {
		if got := bound(first, last, part); got != want {
			t.Errorf("%v of them ended by %v s, want %v", part, got, want)
		}
	}
}
