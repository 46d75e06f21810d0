package survey

import (
	"errors"
	"testing"
	"time"
)

// A clock is bounded by a majority of others that agree, and by fewer not at all.
func TestClockIsBoundedByAMajorityOfOthers(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	year := 365 * 24 * time.Hour
	down := time.Duration(-1) // does not answer
	for name, c := range map[string]struct {
		own    time.Duration
		others []time.Duration
		want   time.Duration
	}{
		"alone":                        {year, nil, year},
		"two contradict each other":    {year, []time.Duration{0}, year},
		"ahead of two":                 {year, []time.Duration{0, time.Second}, time.Minute + time.Second},
		"behind two":                   {-year, []time.Duration{0, time.Second}, -time.Minute},
		"one other is wrong":           {0, []time.Duration{year, time.Second}, 0},
		"the other one is silent":      {year, []time.Duration{0, down}, year},
		"within the slack":             {59 * time.Second, []time.Duration{0, 0}, 59 * time.Second},
		"ahead of four, one is wrong":  {2 * year, []time.Duration{0, 0, 0, 3 * year}, time.Minute},
		"behind four, one is wrong":    {-year, []time.Duration{0, 0, 0, -2 * year}, -time.Minute},
		"two of four agree that it is": {year, []time.Duration{0, 0, year, year}, year},
	} {
		all := []Member{{ID: "self", Report: Report{Times: Times{Now: now.Add(c.own)}}}}
		for i, d := range c.others {
			m := Member{ID: string(rune('a' + i)), Report: Report{Times: Times{Now: now.Add(d)}}}
			if d == down {
				m = Member{ID: m.ID, Err: errors.New("down")}
			}
			all = append(all, m)
		}
		got := now.Add(c.own)
		if bounds, ok := Agree("self", all, time.Minute); ok {
			got = bounds.Bound(got)
		}
		if got != now.Add(c.want) {
			t.Errorf("%s: %s, want %s", name, got.Sub(now), c.want)
		}
	}
}
