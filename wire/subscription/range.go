package subscription

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/internal/timespec"
)

// Range is where in a log to begin and to end. The zero Range has neither.
type Range struct {
	Since time.Time      // begin at the first message of this time or later
	First bool           // begin at the oldest that is kept
	From  entry.Position // begin here
	Until time.Time      // end before this time
	End   entry.Position // end before this position
}

// ErrTwoBeginnings is why a Range is no good that has Since, and First or From.
var ErrTwoBeginnings = errors.New("since and from exclude each other")

// Set reads the value of "since" (a time), "from" (a position, or first) or "until" (a time, or a position that begins
// with #). A duration is a time that long before now. It reports whether there is such a key.
func (r *Range) Set(key, value string, now time.Time) (known bool, err error) {
	switch key {
	case "since":
		r.Since, err = timespec.Past(value, now)
	case "from":
		if r.First = value == "first"; !r.First {
			r.From, err = position(value, ", or first")
		}
	case "until":
		if strings.HasPrefix(value, "#") {
			r.End, err = position(value, "")
		} else {
			r.Until, err = timespec.Past(value, now)
		}
	default:
		return false, nil
	}
	if err == nil && !r.Since.IsZero() && (r.First || r.From != entry.Position{}) {
		err = ErrTwoBeginnings
	}
	return true, err
}

func position(text, also string) (entry.Position, error) {
	p, err := entry.ParsePosition(text)
	if err != nil || p == (entry.Position{}) {
		return p, fmt.Errorf(
			"%s is not a position like #812.4%s", strconv.QuoteToASCII(graph.Clip(text)), also,
		)
	}
	return p, nil
}

// Begins reports whether it says where to begin.
func (r Range) Begins() bool { return r.First || !r.Since.IsZero() || r.From != entry.Position{} }

// Values are what Set reads, by key. Times are absolute, so that they mean the same later.
func (r Range) Values() url.Values {
	v := make(url.Values)
	switch {
	case r.First:
		v.Set("from", "first")
	case r.From != entry.Position{}:
		v.Set("from", r.From.String())
	case !r.Since.IsZero():
		v.Set("since", r.Since.UTC().Format(time.RFC3339Nano))
	}
	switch {
	case r.End != entry.Position{}:
		v.Set("until", r.End.String())
	case !r.Until.IsZero():
		v.Set("until", r.Until.UTC().Format(time.RFC3339Nano))
	}
	return v
}
