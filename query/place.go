package query

import (
	"strconv"
	"strings"
	"time"

	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/internal/timespec"
)

// PlaceForms lists what Place understands, for help and errors.
const PlaceForms = "first, now, a position like #812.4, or a time: " + timespec.Forms

// Place reads a place in the log as people write it. A duration counts back from now. Errors are graph.ErrInvalid.
func (q *Query) Place(text string, now time.Time) (eventlog.Position, error) {
	switch text {
	case "first":
		return eventlog.Position{Index: q.log.Floor()}, nil
	case "now":
		return eventlog.Position{Index: q.log.Applied() + 1}, nil
	}
	if strings.HasPrefix(text, "#") || strings.Contains(text, ".") && strings.Trim(text, "0123456789.") == "" {
		p, err := eventlog.ParsePosition(text)
		if err != nil {
			return p, &graph.Error{Code: graph.Invalid, Msg: strconv.QuoteToASCII(clip(text)) + " is not a position", Hint: "write #<index>.<offset>, as messages have it"}
		}
		return p, nil
	}
	t, err := timespec.Past(text, now)
	if err != nil {
		return eventlog.Position{}, &graph.Error{Code: graph.Invalid, Msg: strconv.QuoteToASCII(clip(text)) + " is no place in the log", Hint: "write " + PlaceForms}
	}
	return q.log.PositionAt(t)
}
