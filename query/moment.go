package query

import (
	"fmt"
	"strings"
	"time"

	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/internal/timespec"
)

// Moment is a place in the history of the graph: a position, or a time. The zero Moment is now.
type Moment struct {
	Index uint64    // after the change at this log index, if Time is zero
	Time  time.Time // after the newest change up to this time
	given bool
}

// AtIndex is the moment after the entry at index.
func AtIndex(index uint64) Moment { return Moment{Index: index, given: true} }

// AtTime is the moment of t.
func AtTime(t time.Time) Moment { return Moment{Time: t, given: true} }

// ParseMoment reads a position (#812, 812.0) or a time as timespec has it; a duration is that long before now. Nothing is
// the zero Moment.
func ParseMoment(s string, now time.Time) (Moment, error) {
	if s == "" {
		return Moment{}, nil
	}
	if !strings.HasPrefix(s, "#") {
		if t, err := timespec.Past(s, now); err == nil {
			return AtTime(t), nil
		}
	}
	p, err := entry.ParsePosition(s)
	if err != nil {
		return Moment{}, &graph.Error{Code: graph.Invalid, Msg: fmt.Sprintf("%q is neither a time nor a position", graph.Clip(s)), Hint: "want #812, or " + timespec.Forms}
	}
	return AtIndex(p.Index), nil
}
