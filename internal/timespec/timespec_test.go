package timespec

import (
	"strings"
	"testing"
	"time"
)

var (
	zone = time.FixedZone("UTC+1", 3600)
	now  = time.Date(2026, 11, 23, 13, 5, 7, 0, zone)
)

func TestEveryForm(t *testing.T) {
	for in, want := range map[string]string{
		"90s": "2026-11-23T13:03:37+01:00", "15m": "2026-11-23T12:50:07+01:00", "2h": "2026-11-23T11:05:07+01:00",
		"3d": "2026-11-20T13:05:07+01:00", "1w": "2026-11-16T13:05:07+01:00", "2d12h": "2026-11-21T01:05:07+01:00",
		" 2h ": "2026-11-23T11:05:07+01:00", "1.5h": "2026-11-23T11:35:07+01:00", "500ms": "2026-11-23T13:05:06.5+01:00",
		"1m0.25s": "2026-11-23T13:04:06.75+01:00", "2026-11-20T14:30:05+0100": "2026-11-20T14:30:05+01:00",
		"now": "2026-11-23T13:05:07+01:00", "today": "2026-11-23T00:00:00+01:00", "Yesterday": "2026-11-22T00:00:00+01:00",
		"tomorrow": "2026-11-24T00:00:00+01:00", "2026-11-20": "2026-11-20T00:00:00+01:00",
		"2026-11-20 14:30": "2026-11-20T14:30:00+01:00", "2026-11-20 14:30:05": "2026-11-20T14:30:05+01:00",
		"2026-11-20T14:30": "2026-11-20T14:30:00+01:00", "2026-11-20T14:30:05Z": "2026-11-20T15:30:05+01:00",
		"2026-11-20T14:30:05.25+02:00": "2026-11-20T13:30:05.25+01:00",
		"1763647805":                   "2025-11-20T15:10:05+01:00", "1763647805123": "2025-11-20T15:10:05.123+01:00",
		"1763647805123456": "2025-11-20T15:10:05.123456+01:00", "1763647805123456789": "2025-11-20T15:10:05.123456789+01:00",
		"@1763647805": "2025-11-20T15:10:05+01:00", "@0": "1970-01-01T01:00:00+01:00",
	} {
		got, err := Past(in, now)
		if err != nil {
			t.Errorf("%q: %v", in, err)
		} else if got := got.In(zone).Format(time.RFC3339Nano); got != want {
			t.Errorf("%q is %s, want %s", in, got, want)
		}
	}
}

func TestDurationPointsAwayFromNow(t *testing.T) {
	past, _ := Past("3d", now)
	future, _ := Future("3d", now)
	if !past.Equal(now.AddDate(0, 0, -3)) || !future.Equal(now.AddDate(0, 0, 3)) {
		t.Errorf("3d is %s in the past and %s in the future of %s", past, future, now)
	}
}

// The day of a zone begins at its own midnight, not at that of UTC.
func TestTodayBelongsToTheZone(t *testing.T) {
	late := time.Date(2026, 11, 23, 23, 30, 0, 0, time.FixedZone("", -5*3600))
	got, _ := Past("today", late)
	if want := "2026-11-23T00:00:00-05:00"; got.Format(time.RFC3339) != want {
		t.Errorf("today is %s, want %s", got.Format(time.RFC3339), want)
	}
}

func TestRefusesAndListsTheForms(t *testing.T) {
	for _, in := range []string{
		"", " ", "2", "h", "2x", "-2h", "2h-", "1.h", ".5h", "1.5", "1..5h", "0", "5us", "1sm",
		"2h 3m 4", "2026", "2026-13-01", "2026-11-31", "12345678901", "@",
		"@-5", "+1763647805",
		"9223372036854775807w", "9223372036854775807.9ms", "15250w1d23.9h",
		"99999999999999999999s", "200000w200000w", "soon", "\x1b]0;x\a", strings.Repeat("9", 500),
	} {
		got, err := Past(in, now)
		if err == nil {
			t.Errorf("%q is taken for %s", in, got)
			continue
		}
		if !strings.Contains(err.Error(), Forms) || strings.Contains(err.Error(), "\x1b") || len(err.Error()) > 400 {
			t.Errorf("%.20q: the error does not help, or repeats what is unsafe: %q", in, err)
		}
	}
}

// What is read has one meaning: it does not depend on the clock, unless it is relative; and writing it down and
// reading it again gives the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"2d12h", "today", "2026-11-20 14:30", "1763647805123", "@7", "2026-11-20T14:30:05Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		past, err := Past(s, now)
		future, errFuture := Future(s, now)
		if (err == nil) != (errFuture == nil) {
			t.Fatalf("%q: past %v, future %v", s, err, errFuture)
		}
		if err != nil {
			return
		}
		if d, errDuration := Duration(strings.TrimSpace(s)); errDuration == nil {
			if d < 0 || now.Sub(past) != d && past.Before(future) && future.Sub(now) != d {
				t.Fatalf("%q: %s before now is %s", s, d, past)
			}
			return
		}
		if !past.Equal(future) {
			t.Fatalf("%q is no duration, but %s or %s", s, past, future)
		}
		if again, err := Past(past.Format(time.RFC3339Nano), now); past.Year() < 10000 && past.Year() > 0 &&
			(err != nil || !again.Equal(past)) {
			t.Fatalf("%q: %s is read again as %s, %v", s, past, again, err)
		}
	})
}
