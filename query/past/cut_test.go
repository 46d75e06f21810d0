package past

import (
	"math/rand/v2"
	"testing"
	"time"
)

// As of a time is the cut that the fewest stamps contradict, whatever the clocks did, and later times are not cut
// earlier.
func TestTimeIsCutWhereTheFewestChangesContradict(t *testing.T) {
	f := newFixture(t)
	roll := rand.New(rand.NewPCG(3, 4)).IntN
	var stamps []time.Time // of the change of each index, from 1
	for i := range 240 {
		at := epoch.Add(time.Duration(i-roll(5)) * time.Minute)
		switch roll(12) {
		case 0, 1:
			at = at.AddDate(2, 0, 0)
		case 2:
			at = at.AddDate(-1, 0, 0)
		}
		f.stamped(at)
		stamps = append(stamps, at)
	}
	past := New(f.Log, Config{})
	for _, now := range []time.Time{epoch.AddDate(0, 0, 1), epoch.AddDate(5, 0, 0)} {
		past.config.Now = func() time.Time { return now }
		before := uint64(0)
		for minute := -10; minute < 250; minute++ {
			at := epoch.Add(time.Duration(minute)*time.Minute + 500*time.Microsecond)
			fewest, want := len(stamps), uint64(0)
			for i := range len(stamps) + 1 {
				if i > 0 && stamps[i-1].After(at) {
					continue
				}
				contradict := 0
				for j, s := range stamps {
					if j < i && s.After(at) && !s.After(now) || j >= i && !s.After(at) {
						contradict++
					}
				}
				if contradict <= fewest {
					fewest, want = contradict, uint64(i)
				}
			}
			got, err := past.CutAt(at)
			if err != nil || got.Index != want || got.Index < before || got.Last < got.Index {
				t.Fatalf("as of minute %d: %+v, %v, want #%d", minute, got, err, want)
			}
			before = got.Index
		}
	}
}
