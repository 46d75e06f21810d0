package query

import (
	"strconv"
	"strings"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/internal/timespec"
)

// Point is a point in the history of the graph: a position, or a time. The zero Point is now.
type Point struct {
	Index uint64    // after the change at this log index, if Time is zero
	Time  time.Time // after the newest change up to this time, by the changes' own times
	given bool
}

// PointAtIndex returns the point after the entry at index.
func PointAtIndex(index uint64) Point { return Point{Index: index, given: true} }

// PointAtTime returns the point at t.
func PointAtTime(t time.Time) Point { return Point{Time: t, given: true} }

// ParsePoint reads a position (#812, 812.0) or a time as timespec has it; a duration is that long before now. Nothing
// is the zero Point.
func ParsePoint(s string, now time.Time) (Point, error) {
	if s == "" {
		return Point{}, nil
	}
	if !strings.HasPrefix(s, "#") {
		if t, err := timespec.Past(s, now); err == nil {
			return PointAtTime(t), nil
		}
	}
	p, err := entry.ParsePosition(s)
	if err != nil {
		return Point{}, refuse(graph.Invalid, "want #812, or "+timespec.Forms,
			"%q is neither a time nor a position", graph.Clip(s))
	}
	return PointAtIndex(p.Index), nil
}

// PositionForms lists what ParsePosition understands, for help and errors.
const PositionForms = "first, now, a position like #812.4, or a time: " + timespec.Forms

// ParsePosition reads a position in the log as people write it. A duration counts back from now, and a number is unix
// time if it has the digits for it. Errors are graph.ErrInvalid.
func (q *Query) ParsePosition(text string, now time.Time) (eventlog.Position, error) {
	switch text {
	case "first":
		return eventlog.Position{Index: q.log.Floor()}, nil
	case "now":
		return eventlog.Position{Index: q.log.Applied() + 1}, nil
	}
	if t, err := timespec.Past(text, now); err == nil {
		return q.log.PositionAt(t)
	}
	p, err := entry.ParsePosition(text)
	if err != nil {
		return p, refuse(graph.Invalid, "write "+PositionForms, "%s is not a time or a position",
			strconv.QuoteToASCII(graph.Clip(text)))
	}
	return p, nil
}

// Begin makes the filter begin at a position, or with the first message of a time or later, as ParsePosition reads it.
func (f *MessageFilter) Begin(q *Query, text string, now time.Time) (err error) {
	if t, err := timespec.Past(text, now); err == nil {
		f.Period.Since = t
	}
	f.From, err = q.ParsePosition(text, now)
	return err
}

// End makes the filter end before a position, or leave out messages of a time or later.
func (f *MessageFilter) End(q *Query, text string, now time.Time) (err error) {
	if t, err := timespec.Past(text, now); err == nil && text != "now" {
		f.Period.Until = t
		f.Until, err = q.log.EndAt(t)
		return err
	}
	if f.Until, err = q.ParsePosition(text, now); f.Until.Index == 0 {
		f.Until.Offset = 1 // before all there is; the zero position would be no end
	}
	return err
}
