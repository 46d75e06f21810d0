package past

import (
	"fmt"
	"strings"
	"time"

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

// AtIndex returns the point after the entry at index.
func AtIndex(index uint64) Point { return Point{Index: index, given: true} }

// AtTime returns the point at t.
func AtTime(t time.Time) Point { return Point{Time: t, given: true} }

// IsZero reports whether p is now.
func (p Point) IsZero() bool { return !p.given }

// ParsePoint reads a position (#812, 812.0) or a time as timespec has it; a duration is that long before now. Nothing
// is the zero Point.
func ParsePoint(s string, now time.Time) (Point, error) {
	if s == "" {
		return Point{}, nil
	}
	if !strings.HasPrefix(s, "#") {
		if t, err := timespec.Past(s, now); err == nil {
			return AtTime(t), nil
		}
	}
	p, err := entry.ParsePosition(s)
	if err != nil {
		return Point{}, &graph.Error{
			Code: graph.Invalid, Msg: fmt.Sprintf("%q is neither a time nor a position", graph.Clip(s)),
			Hint: "want #812, or " + timespec.Forms,
		}
	}
	return AtIndex(p.Index), nil
}
