package survey

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func TestStarvationIsSeenInTime(t *testing.T) {
	member := func(id string, last uint64, contact time.Duration) Member {
		return Member{ID: id, Report: Report{Leader: "n1", Last: last, LastContact: contact}}
	}
	for name, c := range map[string]struct {
		n2   func(round uint64) Member
		want int // round in which it is seen, 0: never
	}{
		"gets none":          {func(uint64) Member { return member("n2", 7, 0) }, starvesAfter + 1},
		"gets few":           {func(r uint64) Member { return member("n2", 7+r/8, 0) }, 0},
		"has all":            {func(r uint64) Member { return member("n2", 100+10*r, 0) }, 0},
		"is cut off":         {func(uint64) Member { return member("n2", 7, time.Minute) }, 0},
		"does not answer":    {func(uint64) Member { return Member{ID: "n2", Err: errors.ErrUnsupported} }, 0},
		"follows another":    {func(uint64) Member { return Member{ID: "n2", Report: Report{Leader: "n3", Last: 7}} }, 0},
		"away in the middle": {func(r uint64) Member { return member("n2", 7, time.Duration(r/6%2)*time.Minute) }, 0},
	} {
		var h Starvation
		seen := 0
		for round := uint64(1); round < 40 && seen == 0; round++ {
			if slices.Equal(h.Observe("n1", []Member{member("n1", 100+10*round, 0), c.n2(round)}), []string{"n2"}) {
				seen = int(round)
			}
		}
		if seen != c.want {
			t.Errorf("%s: seen in round %d, want %d", name, seen, c.want)
		}
	}
	var h Starvation
	for range 40 { // nothing new, and it lacks nothing
		if got := h.Observe("n1", []Member{member("n1", 7, 0), member("n2", 7, 0)}); got != nil {
			t.Fatalf("%v starves while there is nothing to get", got)
		}
	}
}
