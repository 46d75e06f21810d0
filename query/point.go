package query

import (
	"strconv"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/internal/timespec"
)

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
