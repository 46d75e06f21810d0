package timespec

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Forms lists what is understood, for help and errors.
const Forms = "2h (also s m d w, 2d12h), now, today, yesterday, tomorrow, 2026-11-20, \"2026-11-20 14:30\", " +
	"RFC 3339, or unix time (@1763647805)"

// Past reads a time; a duration means that long before now.
func Past(s string, now time.Time) (time.Time, error) { return parse(s, now, -1) }

// Future reads a time; a duration means that long after now.
func Future(s string, now time.Time) (time.Time, error) { return parse(s, now, +1) }

func parse(s string, now time.Time, sign time.Duration) (time.Time, error) {
	text := strings.TrimSpace(s)
	if d, err := Duration(text); err == nil {
		return now.Add(sign * d), nil
	}
	for _, read := range []func(string, time.Time) (time.Time, bool){word, calendar, unix} {
		if t, ok := read(text, now); ok {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%+.40q is not a time: want %s", s, Forms)
}

func word(s string, now time.Time) (time.Time, bool) {
	day := func(offset int) (time.Time, bool) {
		return time.Date(now.Year(), now.Month(), now.Day()+offset, 0, 0, 0, 0, now.Location()), true
	}
	switch strings.ToLower(s) {
	case "now":
		return now, true
	case "today":
		return day(0)
	case "yesterday":
		return day(-1)
	case "tomorrow":
		return day(1)
	}
	return time.Time{}, false
}

// layouts of times; those without a zone are in the location of now.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02", "2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05",
	"2006-01-02 15:04:05Z07:00",
}

func calendar(s string, now time.Time) (time.Time, bool) {
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// unix reads unix time. Its unit follows from the number of digits, which is the same from 2001 until 2286.
func unix(s string, now time.Time) (time.Time, bool) {
	digits, marked := strings.CutPrefix(s, "@")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || strings.Trim(digits, "0123456789") != "" {
		return time.Time{}, false
	}
	var t time.Time
	switch size := len(digits); {
	case size == 10 || marked && size < 10:
		t = time.Unix(n, 0)
	case size == 13:
		t = time.UnixMilli(n)
	case size == 16:
		t = time.UnixMicro(n)
	case size == 19:
		t = time.Unix(0, n)
	default:
		return time.Time{}, false
	}
	return t.In(now.Location()), true
}

var units = map[string]time.Duration{
	"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
}

var errDuration = errors.New("not a duration: want 90s 15m 2h 3d 1w 2d12h")

// Duration reads whole numbers with units: 90s 15m 2h 3d 1w 2d12h. A day has 24 hours.
func Duration(s string) (time.Duration, error) {
	if s == "" {
		return 0, errDuration
	}
	var sum time.Duration
	for rest := s; rest != ""; {
		digits := leading(rest, "0123456789")
		unit := leading(rest[len(digits):], "smhdw")
		size, ok := units[unit]
		n, err := strconv.ParseInt(digits, 10, 64)
		if !ok || err != nil || n > int64(math.MaxInt64/size) || time.Duration(n)*size > math.MaxInt64-sum {
			return 0, errDuration
		}
		sum += time.Duration(n) * size
		rest = rest[len(digits)+len(unit):]
	}
	return sum, nil
}

// leading is the longest beginning of s that consists of the characters of set.
func leading(s, set string) string { return s[:len(s)-len(strings.TrimLeft(s, set))] }
