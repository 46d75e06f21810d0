// Package timespec is the one grammar of times for people: the command line, the API and pages take the same forms.
//
// It is pure: the caller says what time it is now.
package timespec

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Forms names the forms, for help and errors.
const Forms = "2h (also s m d w, 2d12h), now, today, yesterday, 2026-11-20, \"2026-11-20 14:30\", RFC 3339, or unix seconds"

var layouts = []string{time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"}

// Past reads a time; a duration is before now.
func Past(s string, now time.Time) (time.Time, error) { return parse(s, now, -1) }

// Future reads a time; a duration is after now.
func Future(s string, now time.Time) (time.Time, error) { return parse(s, now, 1) }

func parse(s string, now time.Time, direction time.Duration) (time.Time, error) {
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	switch s {
	case "now":
		return now, nil
	case "today":
		return midnight, nil
	case "yesterday":
		return midnight.AddDate(0, 0, -1), nil
	}
	if t, ok := unix(strings.TrimPrefix(s, "@")); ok {
		return t, nil
	}
	if d, ok := duration(s); ok {
		return now.Add(direction * d), nil
	}
	for _, l := range layouts {
		if t, err := time.ParseInLocation(l, s, now.Location()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time: want %s", s, Forms)
}

// unix reads seconds, milliseconds or nanoseconds since 1970, told apart by their length.
func unix(s string) (time.Time, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return time.Time{}, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil || len(s) < 9: // a year, or a number without a unit
		return time.Time{}, false
	case len(s) <= 11:
		return time.Unix(n, 0), true
	case len(s) <= 14:
		return time.UnixMilli(n), true
	}
	return time.Unix(0, n), true
}

var units = map[byte]time.Duration{
	's': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour,
}

// duration reads "90s", "2d12h": whole numbers with units.
func duration(s string) (time.Duration, bool) {
	var total time.Duration
	for s != "" {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		if n == 0 || n == len(s) {
			return 0, false
		}
		v, err := strconv.ParseInt(s[:n], 10, 64)
		unit, ok := units[s[n]]
		if err != nil || !ok || v > int64(math.MaxInt64/unit) {
			return 0, false
		}
		if total += time.Duration(v) * unit; total < 0 {
			return 0, false
		}
		s = s[n+1:]
	}
	return total, total > 0
}
