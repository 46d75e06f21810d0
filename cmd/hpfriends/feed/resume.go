package feed

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/internal/term"
	"hpfriends/wire/subscription"
)

// historyFlags are those of sub that need a broker of ours: any other takes what they ask for as the name of a channel.
func historyFlags() []cli.Flag {
	return append(pastFlags(),
		&cli.BoolFlag{Name: "no-follow", Usage: "end where the log ends now"},
		&cli.StringFlag{Name: "cursor-file",
			Usage: "keep in `FILE` how far it got, and go on from there; it is stronger than --since and --from"},
		&cli.StringFlag{Name: "durable", Usage: "have the broker keep how far it got, under `NAME`, and go on from there"})
}

// subscriptions are followed through the log, so that a new connection, or the next run, goes on where this one was.
// All of it is called from the client's goroutine.
type subscriptions struct {
	subs   []*followed
	asked  bool        // a flag asks for history: the broker is one of ours, whatever it calls itself
	cursor *cursorFile // nil: none
	// resumed says that it goes on where an earlier run was, so that it is no surprise when nothing comes.
	resumed bool
}

// followed is one channel.
type followed struct {
	asks  subscription.Subscription
	plain bool           // not of the log, or too long a channel: it begins anew with each connection
	next  entry.Position // what comes before has been printed; zero: unknown
	live  bool           // its history is done
	ended bool           // nothing follows
}

// subscriptionsOf reads historyFlags. It returns nil if a channel asks for frames that are to be printed as they are.
func subscriptionsOf(c *cli.Context, channels []string) (*subscriptions, error) {
	h := &subscriptions{}
	for _, name := range []string{"since", "from", "until", "no-follow", "cursor-file", "durable"} {
		h.asked = h.asked || c.IsSet(name)
	}
	for _, ch := range channels {
		f := follow(ch)
		if f == nil && !h.asked {
			return nil, nil
		}
		if h.asked && strings.Contains(ch, "?") {
			return nil, fmt.Errorf("channel %s asks for history itself: leave out the flags, or what is after the question mark",
				term.Visible(ch))
		}
		h.subs = append(h.subs, f)
	}
	if !h.asked {
		return h, nil
	}
	p, err := pastOf(c, channels)
	if err != nil {
		return nil, err
	}
	asks := subscription.Subscription{
		Range: p.Range, NoFollow: c.Bool("no-follow"), Durable: c.String("durable"),
	}
	var start entry.Position
	if path := c.String("cursor-file"); path != "" {
		if asks.Durable != "" {
			return nil, errors.New("--cursor-file and --durable both say where to go on: want one of them")
		}
		h.cursor = &cursorFile{path: path}
		if start, err = h.cursor.read(); err != nil {
			return nil, err
		}
	}
	h.resumed = start != entry.Position{} || asks.Durable != ""
	switch {
	case start != entry.Position{}:
		asks.First, asks.Since, asks.From = false, time.Time{}, start
	case asks.Begins() || asks.Durable != "":
	case asks.NoFollow && h.cursor == nil:
		return nil, errors.New("--no-follow ends at once without --since or --from")
	case asks.NoFollow: // the first time
		asks.First = true
	case !asks.Until.IsZero() && !asks.Until.After(time.Now()):
		return nil, fmt.Errorf("--until %s is over: give --since or --from too, or a time to come",
			term.Time(asks.Until))
	}
	for i, ch := range channels {
		asks.Channel = ch
		h.subs[i] = &followed{asks: asks, next: start, live: !asks.Begins() && asks.Durable == ""}
	}
	return h, nil
}

// follow returns nil for a channel whose frames are to be printed as they are.
func follow(channel string) *followed {
	asks, err := subscription.Parse(channel, time.Now())
	if err != nil || asks.Positions || asks.Times || asks.Echo || asks.Channel == subscription.Replay {
		return nil
	}
	f := &followed{asks: asks, live: !asks.Begins() && asks.Durable == ""}
	reserved, err := asks.Reserved()
	f.plain = err != nil || reserved != "" && reserved != subscription.Audit || len(asks.Channel) > subscription.Room
	if f.plain {
		f.asks = subscription.Subscription{Channel: channel}
	}
	return f
}

// text is what to subscribe to at a broker of ours.
func (s *followed) text() string {
	if s.plain {
		return s.asks.Channel
	}
	asks := s.asks
	asks.Positions, asks.Times, asks.Notify = true, true, true
	return asks.String()
}

// texts are what to subscribe to at a broker of ours.
func (h *subscriptions) texts() []string {
	var all []string
	for _, s := range h.subs {
		if !s.ended {
			all = append(all, s.text())
		}
	}
	return all
}

// resume moves the beginnings to where each has got, unless the broker knows that itself.
func (h *subscriptions) resume() {
	for _, s := range h.subs {
		if (s.next != entry.Position{}) && s.asks.Durable == "" {
			s.asks.First, s.asks.Since, s.asks.From, s.live = false, time.Time{}, s.next, false
		}
	}
}

// lost are the channels of which a broker of ours cannot tell what came between two connections.
func (h *subscriptions) lost() (channels []string) {
	for _, s := range h.subs {
		began := s.next != entry.Position{} || s.asks.Begins() || s.asks.Durable != ""
		reserved, err := s.asks.Reserved()
		if !s.ended && !began && err == nil && reserved != subscription.PresenceSuffix {
			channels = append(channels, s.asks.Channel)
		}
	}
	return channels
}

// begin reports whether any begins somewhere, and not when it is subscribed to.
func (h *subscriptions) begin() bool {
	return slices.ContainsFunc(h.subs, func(s *followed) bool { return s.asks.Begins() || s.asks.Durable != "" })
}

// inWords is an ERROR of a broker of ours about one of the subscriptions, with the channel for the text subscribed to.
func (h *subscriptions) inWords(refusal string) string {
	for _, s := range h.subs {
		if before, ok := strings.CutSuffix(refusal, " chan="+s.text()); ok {
			return before + " chan=" + s.asks.Channel
		}
	}
	return refusal
}

// locate takes position and time off a message's channel.
func locate(m *message) {
	if name, stamp, ok := subscription.Cut(m.Channel); ok {
		m.Channel, m.position, m.time = name, stamp.Position, time.UnixMilli(stamp.Millis)
	}
}

// passed says that the message at a position is printed, or cannot be had. What is published live comes in the order of
// the log: all that are live have then got there. What is part of a history is so for its own subscriptions only. The
// audit and each durable subscription come on their own, behind the others or ahead of them: they say nothing of the
// others' places, and where a message may have come by a durable one, it says nothing of those that match it, too.
func (h *subscriptions) passed(channel string, at entry.Position) error {
	if (at == entry.Position{}) {
		return nil
	}
	after := entry.Position{Index: at.Index, Offset: at.Offset + 1}
	live, durable := true, false
	for _, s := range h.subs {
		durable = durable || s.carries(channel) && s.asks.Durable != ""
	}
	for _, s := range h.subs {
		if s.carries(channel) && (s.asks.Durable != "") == durable {
			s.advance(after)
			live = live && s.live
		}
	}
	for _, s := range h.subs {
		if live && !durable && s.live && s.asks.Durable == "" && s.audit() == (channel == subscription.Audit) {
			s.advance(after)
		}
	}
	return h.keep(false)
}

// repeated reports whether a message has come before the connection was lost: what a broker keeps of a durable
// subscription is not as new as what was printed. Where several carry the channel, one may be behind another.
func (h *subscriptions) repeated(channel string, at entry.Position) bool {
	var by *followed
	for _, s := range h.subs {
		if s.carries(channel) {
			if by != nil {
				return false
			}
			by = s
		}
	}
	return by != nil && by.asks.Durable != "" && at.Compare(by.next) < 0
}

// audit reports whether it is a subscription to the audit.
func (s *followed) audit() bool { return s.asks.Channel == subscription.Audit }

// carries reports whether a message on a channel may have come by it.
func (s *followed) carries(channel string) bool {
	return s.audit() == (channel == subscription.Audit) && graph.Pattern(s.asks.Channel).Match(channel)
}

func (s *followed) advance(to entry.Position) {
	if s.next.Compare(to) < 0 {
		s.next = to
	}
}

// keep writes the cursor: the least far that any subscription has got.
func (h *subscriptions) keep(now bool) error {
	if h.cursor == nil {
		return nil
	}
	least := h.subs[0].next
	for _, s := range h.subs[1:] {
		if s.next.Compare(least) < 0 {
			least = s.next
		}
	}
	return h.cursor.keep(least, now)
}

// gone goes on behind a gap.
func (h *subscriptions) gone(n subscription.Notice) {
	for _, s := range h.subs {
		if to, err := entry.ParsePosition(n.To); err == nil && s.text() == n.Subscription {
			s.advance(to)
		}
	}
}

// notice takes in a frame on $replay, for the caller to say what it means. finished is whether all have ended.
func (h *subscriptions) notice(payload []byte) (n subscription.Notice, finished bool) {
	if json.Unmarshal(payload, &n) != nil {
		return n, false
	}
	finished = true
	for _, s := range h.subs {
		if n.Event == "done" && s.text() == n.Subscription {
			s.live, s.ended = n.Live, !n.Live
			if next, err := entry.ParsePosition(n.Next); err == nil {
				s.advance(next)
			}
		}
		finished = finished && s.ended
	}
	return n, finished
}
