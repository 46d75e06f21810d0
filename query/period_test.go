package query

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/wire"
)

// at appends one message of a time.
func (f *fixture) at(t time.Time, origin graph.UserID, channel string) string {
	f.TB.Helper()
	var b entry.Builder
	b.Add(channel, 1, uint64(origin), t.UnixMilli(), netip.Addr{}, wire.AppendPublish(nil, "key", channel, nil), 1)
	data := b.Encode([16]byte{1}, f.Index+1)
	h, err := entry.DecodeHeader(data)
	if err != nil {
		f.TB.Fatal(err)
	}
	f.Entry(data, func(tx *eventlog.Tx) { tx.IndexBatch(f.Index, h) })
	return fmt.Sprintf("#%d.0", f.Index)
}

// Messages are shown by their own times, although one that was stamped by a clock years ahead lies before them.
func TestOneWrongClockDoesNotChangeWhatIsShown(t *testing.T) {
	f, q := newFixture(t)
	ada := graph.UserID(f.change(0, graph.AddUser{Handle: "ada"}))
	now := time.UnixMilli(1_700_000_000_000).UTC()
	var hours []string // a message each hour, the oldest first
	for h := 100; h > 0; h-- {
		if h == 80 {
			f.at(now.AddDate(3, 0, 0), ada, "c")
		}
		hours = append(hours, f.at(now.Add(-time.Duration(h)*time.Hour+time.Minute), ada, "c"))
	}
	for _, c := range []struct {
		since, until string
		want         []string
	}{
		{"1h", "", hours[99:]},
		{"5h", "2h", hours[95:98]},
		{"90h", "70h", hours[10:30]},
		{"", "10h", hours[:90]},
		{"", now.Format(time.RFC3339), hours},
	} {
		for _, newest := range []bool{false, true} {
			filter := MessageFilter{Patterns: []graph.Pattern{"c"}, Newest: newest}
			if c.since != "" {
				if err := filter.Begin(q, c.since, now); err != nil {
					t.Fatal(err)
				}
			}
			if c.until != "" {
				if err := filter.End(q, c.until, now); err != nil {
					t.Fatal(err)
				}
			}
			got := []string{}
			m := q.Messages(graph.Actor{User: ada}, filter)
			for {
				one, err := m.Next(t.Context())
				if err != nil {
					break
				}
				if one.Time.Before(now.AddDate(1, 0, 0)) || c.until != "" { // without an end it is shown
					got = append(got, one.Position.String())
				}
			}
			if newest {
				slices.Reverse(got)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("since %q until %q, newest first %v: %d messages, want %d", c.since, c.until, newest, len(got),
					len(c.want))
			}
			count, err := q.CountMessages(t.Context(), graph.Actor{User: ada}, filter)
			if spoiled := c.until == ""; err != nil || !spoiled && count.Messages != uint64(len(c.want)) {
				t.Errorf("since %q until %q: %d counted, %v, want %d", c.since, c.until, count.Messages, err, len(c.want))
			}
		}
	}
}

// What was read up to a time goes on with the first message after it.
func TestReadingGoesOnBehindAPeriod(t *testing.T) {
	f, q := newFixture(t)
	ada := graph.UserID(f.change(0, graph.AddUser{Handle: "ada"}))
	now := time.UnixMilli(1_700_000_000_000).UTC()
	f.at(now.Add(-2*time.Second), ada, "c")
	after := f.at(now.Add(time.Second), ada, "c")
	f.at(now.Add(-time.Second), ada, "c") // of a clock that is a little behind
	filter := MessageFilter{Patterns: []graph.Pattern{"c"}}
	if err := filter.End(q, now.Format(time.RFC3339), now); err != nil {
		t.Fatal(err)
	}
	c, err := q.CountMessages(t.Context(), graph.Actor{User: ada}, filter)
	if err != nil || c.Messages != 2 || c.Next != after {
		t.Errorf("%d messages, then %s, %v, want 2, then %s", c.Messages, c.Next, err, after)
	}
}

// The busiest channels of a window are those of that time, although a clock that was years ahead has stamped a message
// before it.
func TestTopOfAWindowAfterOneWrongClock(t *testing.T) {
	f, q := newFixture(t)
	ada := graph.UserID(f.change(0, graph.AddUser{Handle: "ada"}))
	now := time.UnixMilli(1_700_000_000_000).UTC()
	for m := 200; m > 0; m-- {
		if m == 180 {
			f.at(now.AddDate(3, 0, 0), ada, "c")
		}
		f.at(now.Add(-time.Duration(m)*time.Minute), ada, "c")
	}
	for window, want := range map[time.Duration]uint64{10 * time.Minute: 10, time.Hour: 60, 190 * time.Minute: 191} {
		top, err := q.Top(t.Context(), graph.Actor{User: ada}, TopQuery{By: TopMessages, Window: window, Limit: 1}, now)
		if err != nil || len(top) != 1 || top[0].Messages != want {
			t.Errorf("in %s: %+v, %v, want %d messages", window, top, err, want)
		}
	}
}
