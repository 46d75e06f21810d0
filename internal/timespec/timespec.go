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
const Forms = "2h (also ms s m d w, 2d12h), now, today, yesterday, tomorrow, 2026-11-20, \"2026-11-20 14:30\", " +
	"RFC 3339, or unix time (@1763647805; of 13 digits: ms)"

// DurationForms lists what Duration understands, for help and errors.
const DurationForms = "500ms 90s 1.5s 15m 2h 3d 1w 2d12h"

// Past reads a time; a duration means that long before now.
func Past(s string, now time.Time) (time.Time, error) { return parse(s, now, -1) }

// Future reads a time; a duration means that long after now.
func Future(s string, now time.Time) (time.Time, error) { return parse(s, now, +1) }

func parse(s string, now time.Time, sign time.Duration) (time.Time, error) {
	text := strings.TrimSpace(s)
	d, err := Duration(text)
	switch {
	case err == nil:
		return now.Add(sign * d), nil
	case errors.Is(err, errTooLong):
		return time.Time{}, fmt.Errorf("%+.40q is too long: %w: %s", s, err, Forms)
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
	"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z0700", "2006-01-02T15:04:05Z0700",
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
	"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour,
	"w": 7 * 24 * time.Hour,
}

var (
	errDuration = errors.New("want a number with its unit: " + DurationForms)
	errTooLong  = fmt.Errorf("want at most %dd", math.MaxInt64/(24*time.Hour))
)

// Duration reads numbers with units, see DurationForms. A day has 24 hours. A number alone is refused, since nobody can
// tell what it counts.
func Duration(s string) (time.Duration, error) {
	if s == "" {
		return 0, errDuration
	}
	var sum time.Duration
	for rest := s; rest != ""; {
		number := leading(rest, "0123456789.")
		unit := leading(rest[len(number):], "smhdw")
		d, err := times(number, units[unit])
		if err == nil && d > math.MaxInt64-sum {
			err = errTooLong
		}
		if err != nil {
			return 0, err
		}
		sum += d
		rest = rest[len(number)+len(unit):]
	}
	return sum, nil
}

// times returns a decimal number of units. What is below a nanosecond is cut off.
func times(number string, unit time.Duration) (time.Duration, error) {
	whole, fraction, dotted := strings.Cut(number, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	switch {
	case unit != 0 && (errors.Is(err, strconv.ErrRange) || err == nil && n > int64(math.MaxInt64/unit)):
		return 0, errTooLong
	case unit == 0 || err != nil:
		return 0, errDuration
	}
	d := time.Duration(n) * unit
	if !dotted {
		return d, nil
	}
	part, err := strconv.ParseFloat("0."+fraction, 64)
	if err != nil || fraction == "" {
		return 0, errDuration
	}
	rest := time.Duration(part * float64(unit))
	if rest > math.MaxInt64-d {
		return 0, errTooLong
	}
	return d + rest, nil
}

// leading is the longest beginning of s that consists of the characters of set.
func leading(s, set string) string { return s[:len(s)-len(strings.TrimLeft(s, set))] }
