package main

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/internal/timespec"
)

// request is what a SUBSCRIBE asks for: a channel, and where in its history to begin and end.
//
//	dionaea.capture?since=2h&positions=1
type request struct {
	text      string // as the client sent it: the name of the subscription
	channel   string // before the question mark
	since     time.Time
	first     bool              // from=first
	from      eventlog.Position // zero: not given
	until     time.Time
	end       eventlog.Position // until as a position; zero: not given
	noFollow  bool
	positions bool
	notify    bool
	durable   string
}

// requestForms is the end of every error about a query.
const requestForms = "want CHANNEL or PREFIX*, and after ? any of since=TIME, from=first or from=#INDEX.OFFSET, until=TIME or until=#INDEX.OFFSET, " +
	"follow=0, positions=1, notify=1, durable=NAME, joined by &. TIME: " + timespec.Forms

// parseRequest reads the channel of a SUBSCRIBE. Durations count back from now.
func parseRequest(text string, now time.Time) (request, error) {
	channel, query, asked := strings.Cut(text, "?")
	r := request{text: text, channel: channel}
	if !asked {
		return r, nil
	}
	seen := make(map[string]bool)
	for part := range strings.SplitSeq(query, "&") {
		key, raw, _ := strings.Cut(part, "=")
		value, err := url.PathUnescape(raw) // which leaves the + of a time zone alone
		if err != nil {
			return r, badRequest("the value of %q is not percent-encoded", key)
		}
		if seen[key] {
			return r, badRequest("%q is given twice", key)
		}
		seen[key] = true
		if err := r.set(key, value, now); err != nil {
			return r, badRequest("%w", err)
		}
	}
	if seen["since"] && seen["from"] {
		return r, badRequest("since and from exclude each other")
	}
	return r, nil
}

func (r *request) set(key, value string, now time.Time) (err error) {
	switch key {
	case "since":
		r.since, err = timespec.Past(value, now)
	case "from":
		if r.first = value == "first"; !r.first {
			r.from, err = position(key, value)
		}
	case "until":
		if strings.HasPrefix(value, "#") {
			r.end, err = position(key, value)
		} else {
			r.until, err = timespec.Past(value, now)
		}
	case "follow":
		var follow bool
		follow, err = flag(key, value)
		r.noFollow = !follow
	case "positions":
		r.positions, err = flag(key, value)
	case "notify":
		r.notify, err = flag(key, value)
	case "durable":
		if r.durable = value; !eventlog.ValidCursorName(value) {
			err = fmt.Errorf("a durable name has 1 to %d of the characters A-Z a-z 0-9 . _ : -", eventlog.MaxCursorName)
		}
	default:
		err = fmt.Errorf("there is no %q", key)
	}
	return err
}

func position(key, value string) (eventlog.Position, error) {
	p, err := entry.ParsePosition(value)
	if err != nil || p == (eventlog.Position{}) {
		return p, fmt.Errorf("%s=%s is not a position", key, strconv.QuoteToASCII(shorten(value)))
	}
	return p, nil
}

func flag(key, value string) (bool, error) {
	switch value {
	case "0":
		return false, nil
	case "1":
		return true, nil
	}
	return false, fmt.Errorf("%s is 0 or 1", key)
}

func badRequest(format string, args ...any) error {
	return fmt.Errorf("bad subscription: "+format+": "+requestForms, args...)
}

// shorten bounds what is quoted back.
func shorten(s string) string {
	if len(s) > 60 {
		return s[:60] + "..."
	}
	return s
}

// past is whether it asks for more than what is published from now on.
func (r *request) past() bool {
	return r.first || !r.since.IsZero() || r.from != (eventlog.Position{}) || r.durable != ""
}

// start is where it begins, zero for now. Positions that cannot be served are refused: the client has to know that messages
// are gone, or that the log it knew is another.
func (r *request) start(log *eventlog.Log) (eventlog.Position, error) {
	switch {
	case r.first:
		return eventlog.Position{Index: log.Floor()}, nil
	case !r.since.IsZero():
		return log.PositionAt(r.since)
	case r.from == eventlog.Position{}:
		return r.from, nil
	}
	if floor := log.Floor(); r.from.Index < floor {
		return r.from, fmt.Errorf("bad subscription: position %s is no longer kept, the oldest is %s: subscribe with from=first",
			r.from, eventlog.Position{Index: floor})
	}
	if end := log.Applied() + 1; r.from.Index > end {
		return r.from, fmt.Errorf("bad subscription: position %s does not exist, the log ends before %s", r.from, eventlog.Position{Index: end})
	}
	return r.from, nil
}

// limit is where it ends, zero for never. A time that is still to come is no place yet: later says so.
func (r *request) limit(log *eventlog.Log, now time.Time) (end eventlog.Position, later time.Time, err error) {
	if r.until.After(now) {
		return r.end, r.until, nil
	}
	if r.until.IsZero() {
		return r.end, time.Time{}, nil
	}
	end, err = log.PositionAt(r.until)
	return end, time.Time{}, err
}

// pattern is the channel as the graph knows it.
func (r *request) pattern() (graph.Pattern, error) {
	p, err := graph.ParsePattern(r.channel)
	if err != nil {
		var refusal *graph.Error
		if errors.As(err, &refusal) {
			return p, badRequest("%s", refusal.Msg)
		}
	}
	return p, err
}
