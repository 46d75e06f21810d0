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

// Subscription is what a SUBSCRIBE asks for: a channel, and where in its history to begin and end.
//
//	dionaea.capture?since=2h&positions=1
type Subscription struct {
	Text      string // as the client sent it: the name of the subscription
	Channel   string // before the question mark
	Since     time.Time
	First     bool           // from=first
	From      entry.Position // zero: not given
	Until     time.Time
	End       entry.Position // until as a position; zero: not given
	NoFollow  bool
	Positions bool
	Notify    bool
	Durable   string
}

// requestForms is the end of every error about a query.
const requestForms = "want CHANNEL or PREFIX*, and after ? any of since=TIME, from=first or from=#INDEX.OFFSET, until=TIME or until=#INDEX.OFFSET, " +
	"follow=0, positions=1, notify=1, durable=NAME, joined by &. TIME: " + timespec.Forms

// Parse reads the channel of a SUBSCRIBE. Durations count back from now.
func Parse(text string, now time.Time) (Subscription, error) {
	channel, query, asked := strings.Cut(text, "?")
	r := Subscription{Text: text, Channel: channel}
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

func (r *Subscription) set(key, value string, now time.Time) (err error) {
	switch key {
	case "since":
		r.Since, err = timespec.Past(value, now)
	case "from":
		if r.First = value == "first"; !r.First {
			r.From, err = position(key, value)
		}
	case "until":
		if strings.HasPrefix(value, "#") {
			r.End, err = position(key, value)
		} else {
			r.Until, err = timespec.Past(value, now)
		}
	case "follow":
		var follow bool
		follow, err = flag(key, value)
		r.NoFollow = !follow
	case "positions":
		r.Positions, err = flag(key, value)
	case "notify":
		r.Notify, err = flag(key, value)
	case "durable":
		if r.Durable = value; !entry.ValidCursorName(value) {
			err = fmt.Errorf("a durable name has 1 to %d of the characters A-Z a-z 0-9 . _ : -", entry.MaxCursorName)
		}
	default:
		err = fmt.Errorf("there is no %q", key)
	}
	return err
}

func position(key, value string) (entry.Position, error) {
	p, err := entry.ParsePosition(value)
	if err != nil || p == (entry.Position{}) {
		return p, fmt.Errorf("%s=%s is not a position", key, strconv.QuoteToASCII(Shorten(value)))
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

// Shorten bounds what is quoted back.
func Shorten(s string) string {
	if len(s) > 60 {
		return s[:60] + "..."
	}
	return s
}

// past is whether it asks for more than what is published from now on.
func (r *Subscription) past() bool {
	return r.First || !r.Since.IsZero() || r.From != (entry.Position{}) || r.Durable != ""
}

// Pattern is the channel as the graph knows it.
func (r *Subscription) Pattern() (graph.Pattern, error) {
	p, err := graph.ParsePattern(r.Channel)
	if err != nil {
		var refusal *graph.Error
		if errors.As(err, &refusal) {
			return p, badRequest("%s", refusal.Msg)
		}
	}
	return p, err
}
