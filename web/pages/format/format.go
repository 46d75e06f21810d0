// Package format writes numbers, sizes and times for people. It is pure.
package format

import (
	"fmt"
	"html/template"
	"regexp"
	"strconv"
	"strings"
	"time"

	"hpfriends/query/view"
)

const thinSpace = "\u2009"

// Count groups the digits of a number by three.
func Count(v any) string {
	if n, ok := v.(*int); ok {
		v = *n
	}
	text := fmt.Sprint(v)
	if _, err := strconv.ParseInt(text, 10, 64); err != nil {
		return text
	}
	sign := ""
	if text[0] == '-' {
		sign, text = "−", text[1:]
	}
	var b strings.Builder
	for i, c := range text {
		if i > 0 && (len(text)-i)%3 == 0 {
			b.WriteString(thinSpace)
		}
		b.WriteRune(c)
	}
	return sign + b.String()
}

// pseudo is a version between tags: https://go.dev/ref/mod#pseudo-versions
var pseudo = regexp.MustCompile(`^v\d.*[-.]\d{14}-([0-9a-f]{12})(\+\w+)?$`)

// Build is what tells one build from another: a version, or the commit of one between versions.
func Build(version string) string { return pseudo.ReplaceAllString(version, "$1$2") }

// Size is a number of bytes for people.
func Size(v any) string {
	n, err := strconv.ParseFloat(fmt.Sprint(v), 64)
	if err != nil {
		return fmt.Sprint(v)
	}
	for _, unit := range []string{"B", "KiB", "MiB", "GiB"} {
		if n < 1024 {
			if unit == "B" || n >= 100 {
				return fmt.Sprintf("%.0f%s%s", n, thinSpace, unit)
			}
			return fmt.Sprintf("%.1f%s%s", n, thinSpace, unit)
		}
		n /= 1024
	}
	return fmt.Sprintf("%.1f%sTiB", n, thinSpace)
}

// Plural is "1 share" or "3 shares".
func Plural(v any, one, many string) string {
	if fmt.Sprint(v) == "1" {
		return "1 " + one
	}
	return Count(v) + " " + many
}

// Visible shows text as view.Visible does.
func Visible(v any) string { return view.Visible(fmt.Sprint(v)) }

// Duration is how long something lasts, in one unit.
func Duration(d time.Duration) string {
	switch d = d.Abs(); {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	case d < 60*24*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	case d < 2*365*24*time.Hour:
		return fmt.Sprintf("%d months", int(d.Hours()/24/30.4))
	}
	return fmt.Sprintf("%d years", int(d.Hours()/24/365.25))
}

// Ago is Due of what has happened: by the clock of another node it may be a moment ahead.
func Ago(v any, now time.Time) template.HTML {
	if t := moment(v); t.After(now) && t.Before(now.Add(time.Minute)) {
		return element(t.In(now.Location()), "now")
	}
	return Due(v, now)
}

// Due is a time as people say it, as an element with the exact one at hand. Empty: the zero time or a nil *time.Time.
func Due(v any, now time.Time) template.HTML {
	t := moment(v)
	if t.IsZero() {
		return ""
	}
	text := "now"
	if d := now.Sub(t); d >= time.Second {
		text = Duration(d) + " ago"
	} else if d <= -time.Second {
		text = "in " + Duration(d)
	}
	return element(t.In(now.Location()), text)
}

// Exact is a time to the second, in a zone.
func Exact(v any, zone *time.Location) template.HTML {
	t := moment(v)
	if t.IsZero() {
		return ""
	}
	t = t.In(zone)
	return element(t, t.Format("2006-01-02 15:04:05"))
}

// Clock is the time of a day, for rows that are of one day mostly.
func Clock(t time.Time, zone *time.Location) template.HTML {
	t = t.In(zone)
	return element(t, t.Format("15:04:05"))
}

func element(t time.Time, text string) template.HTML {
	exact := t.Format("2006-01-02 15:04:05.000 MST")
	//nolint:gosec // every part is made by time.Format or by Duration
	return template.HTML(`<time datetime="` + t.UTC().Format("2006-01-02T15:04:05.000Z") + `" title="` +
		template.HTMLEscapeString(exact) + `">` + template.HTMLEscapeString(text) + `</time>`)
}

// Past reports whether a time is not after now. The zero time and a nil *time.Time are not.
func Past(v any, now time.Time) bool {
	t := moment(v)
	return !t.IsZero() && !t.After(now)
}

func moment(v any) time.Time {
	switch t := v.(type) {
	case time.Time:
		return t
	case *time.Time:
		if t != nil {
			return *t
		}
	}
	return time.Time{}
}

// Dict makes a map of names and values, for a part that needs more than one.
func Dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict has %d arguments", len(pairs))
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is no name", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}
