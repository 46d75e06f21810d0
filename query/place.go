package query

import (
	"strconv"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/internal/timespec"
)

// PlaceForms lists what Place understands, for help and errors.
const PlaceForms = "first, now, a position like #812.4, or a time: " + timespec.Forms

// Place reads a place in the log as people write it. A duration counts back from now, and a number is unix time if
// it has the digits for it. Errors are graph.ErrInvalid.
func (q *Query) Place(text string, now time.Time) (eventlog.Position, error) {
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
		return p, &graph.Error{Code: graph.Invalid, Msg: strconv.QuoteToASCII(graph.Clip(text)) + " is not a time or a position", Hint: "write " + PlaceForms}
	}
	return p, nil
}
