package query

import (
	"fmt"
	"testing"
	"time"

	"hpfriends/graph"
	"hpfriends/query/past"
)

// stamped adds a user by a command that is stamped with a time.
func (f *fixture) stamped(at time.Time) uint64 {
	f.TB.Helper()
	out, err := f.Try(graph.Command{By: graph.Actor{Operator: true}, Time: at.UTC(),
		Op: graph.AddUser{Handle: fmt.Sprintf("u%d", f.Index+1)}})
	if err != nil {
		f.TB.Fatal(err)
	}
	return out.Index
}

// Changes that were made while a clock was two years ahead spoil no question about a time, and show their own.
func TestChangesStampedAheadDoNotSpoilTheAudit(t *testing.T) {
	f, q := newFixture(t)
	now := epoch.AddDate(0, 6, 0)
	q.history = past.New(f.Log, past.Config{Newest: q.graph, Now: func() time.Time { return now }})
	operator := graph.Actor{Operator: true}
	var each []uint64 // hour, the oldest first
	for h := 200; h > 0; h-- {
		if h == 150 {
			for range 100 { // half of all at one go
				f.stamped(now.AddDate(2, 0, 0))
			}
		}
		each = append(each, f.stamped(now.Add(-time.Duration(h)*time.Hour+time.Minute)))
	}
	point := func(text string) past.Point {
		p, err := past.ParsePoint(text, now)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, c := range []struct {
		since, until string
		want         []uint64
	}{
		{"1h", "now", each[199:]}, {"5h", "2h", each[195:198]}, {"160h", "140h", each[40:60]}, {"", "now", each},
		{"", "190h", each[:10]}, {"2h", "", each[198:]},
	} {
		for _, oldest := range []bool{false, true} {
			filter := AuditFilter{Since: point(c.since), Until: point(c.until), Oldest: oldest}
			events, _, err := q.AuditEvents(t.Context(), operator, filter)
			if err != nil {
				t.Fatal(err)
			}
			got := []uint64{}
			for _, e := range events {
				switch {
				case e.Time.After(now) && c.until == "": // without an end what is of a time to come is shown
				case oldest:
					got = append(got, e.Index)
				default:
					got = append([]uint64{e.Index}, got...)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("since %q until %q, oldest first %t: %v, want %v", c.since, c.until, oldest, got, c.want)
			}
		}
	}
	for text, want := range map[string]uint64{"now": each[199], "2h": each[197], "140h": each[59], "190h": each[9]} {
		as, err := q.At(operator, point(text))
		stamped := now.Add(-time.Hour + time.Minute)
		if err != nil || as.Position != fmt.Sprintf("#%d", want) || len(as.AsOf().Users) != int(want) ||
			text == "now" && !as.Time.Equal(stamped) {
			t.Errorf("at %s: %s of %v, %d users, %v, want #%d", text, as.Position, as.Time, len(as.AsOf().Users), err, want)
		}
	}
	e, err := q.AuditEvent(t.Context(), operator, each[199])
	if err != nil || !e.Time.Equal(now.Add(-time.Hour+time.Minute)) {
		t.Errorf("the newest change is told to be of %s, %v", e.Time, err)
	}
}
