package feed

import (
	"testing"

	"hpfriends/eventlog/entry"
)

func TestTrailKnowsWhereToGoOn(t *testing.T) {
	a := newAnswers(nil)
	for _, lag := range []uint64{0, 1, 3, trailStep, 3 * trailStep} {
		var tr trail
		a.confirmed = 0
		for n := range uint64(5 * trailStep) {
			tr.add((entry.Position{Index: n}).String(), a)
			if n >= lag {
				a.confirmed = n - lag
			}
			if n%trailStep == 7 {
				if n, got := tr.next(a.confirmed); n != a.confirmed || got != (entry.Position{Index: a.confirmed}).String() {
					t.Fatalf("%d of %d are confirmed, and it goes on at %s", a.confirmed, n+1, got)
				}
			}
		}
		if lag < trailStep && len(tr.positions) > 2*trailStep {
			t.Errorf("%d positions are kept when %d messages are unconfirmed", len(tr.positions), lag)
		}
		if _, got := tr.next(5 * trailStep); got != "#20479.1" {
			t.Errorf("all are confirmed, and it goes on at %s", got)
		}
	}
}
