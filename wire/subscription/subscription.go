package subscription

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// Subscription is what a SUBSCRIBE asks for.
//
//	dionaea.capture?since=2h&positions=1
type Subscription struct {
	Text    string // as the client sent it: the name of the subscription
	Channel string // or pattern: what is before the question mark
	Range
	NoFollow  bool   // end where the log ends now
	Positions bool   // frames carry CHANNEL@INDEX.OFFSET as their channel
	Times     bool   // frames carry CHANNEL@@UNIXMS, or with Positions CHANNEL@INDEX.OFFSET@UNIXMS
	Echo      bool   // frames carry Text
	Notify    bool   // say on $replay when the history is done
	Durable   string // have the broker remember under this name how far the client got; empty: do not
}

// forms is the end of every error about a query; those of a time precede it where one is wrong.
const forms = "want CHANNEL or PREFIX*, and after ? any of since=TIME, from=first or from=#INDEX.OFFSET, " +
	"until=TIME or until=#INDEX.OFFSET, follow=0, positions=1, times=1, echo=1, notify=1, durable=NAME, joined by &"

// Parse reads the channel of a SUBSCRIBE. Durations count back from now. Its errors are for the client.
func Parse(text string, now time.Time) (Subscription, error) {
	channel, query, asked := strings.Cut(text, "?")
	s := Subscription{Text: text, Channel: channel}
	if !asked {
		return s, nil
	}
	seen := make(map[string]bool)
	for part := range strings.SplitSeq(query, "&") {
		key, raw, _ := strings.Cut(part, "=")
		value, err := url.PathUnescape(raw) // which leaves the + of a time zone alone
		if err != nil {
			return s, refused("the value of %q is not percent-encoded", graph.Clip(key))
		}
		if seen[key] {
			return s, refused("%q is given twice", graph.Clip(key))
		}
		seen[key] = true
		if err := s.set(key, value, now); err != nil {
			return s, refused("%w", err)
		}
	}
	return s, nil
}

func (s *Subscription) set(key, value string, now time.Time) (err error) {
	if known, err := s.Set(key, value, now); known {
		return err
	}
	switch key {
	case "follow":
		var follow bool
		follow, err = flag(key, value)
		s.NoFollow = !follow
	case "positions":
		s.Positions, err = flag(key, value)
	case "times":
		s.Times, err = flag(key, value)
	case "echo":
		s.Echo, err = flag(key, value)
	case "notify":
		s.Notify, err = flag(key, value)
	case "durable":
		if s.Durable = value; !entry.ValidCursorName(value) {
			err = fmt.Errorf("a durable name has 1 to %d of the characters A-Z a-z 0-9 . _ : -", entry.MaxCursorName)
		}
	default:
		err = fmt.Errorf("there is no %q", graph.Clip(key))
	}
	return err
}

// String returns a text that Parse reads as s, but for its Text.
func (s Subscription) String() string {
	v := s.Values()
	if s.NoFollow {
		v.Set("follow", "0")
	}
	if s.Durable != "" {
		v.Set("durable", s.Durable)
	}
	if s.Positions {
		v.Set("positions", "1")
	}
	if s.Times {
		v.Set("times", "1")
	}
	if s.Echo {
		v.Set("echo", "1")
	}
	if s.Notify {
		v.Set("notify", "1")
	}
	if len(v) == 0 {
		return s.Channel
	}
	return s.Channel + "?" + strings.ReplaceAll(v.Encode(), "+", "%20") // Parse leaves a + as it is
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

func refused(format string, args ...any) error {
	return fmt.Errorf("bad subscription: "+format+": "+forms, args...)
}

// Pattern returns the channel as the graph knows it.
func (s *Subscription) Pattern() (graph.Pattern, error) {
	p, err := graph.ParsePattern(s.Channel)
	if err != nil {
		var refusal *graph.Error
		if errors.As(err, &refusal) {
			return p, refused("%s", refusal.Msg)
		}
	}
	return p, err
}
