package feed

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/internal/atomicfile"
	"hpfriends/internal/ndjson"
	"hpfriends/internal/term"
	"hpfriends/wire"
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

// pastSubscriptions follows subscriptions through their history, so that a new connection, or the next run, goes on
// where this one was. All of it is called from the client's goroutine.
type pastSubscriptions struct {
	subs     []*pastSubscription
	position entry.Position // of the message at hand; zero: unknown
	cursor   *cursorFile    // nil: none
}

// pastSubscription is one channel.
type pastSubscription struct {
	asks  subscription.Subscription
	next  entry.Position // what comes before has been printed; zero: unknown
	live  bool           // its history is done
	ended bool           // nothing follows
}

// pastSubscriptionsOf reads historyFlags; nil if none is given.
func pastSubscriptionsOf(c *cli.Context, channels []string) (*pastSubscriptions, error) {
	any := false
	for _, name := range []string{"since", "from", "until", "no-follow", "cursor-file", "durable"} {
		any = any || c.IsSet(name)
	}
	if !any {
		return nil, nil
	}
	for _, ch := range channels {
		if strings.Contains(ch, "?") {
			return nil, fmt.Errorf("channel %s asks for history itself: leave out the flags, or what is after the question mark",
				term.Visible(ch))
		}
	}
	p, err := pastOf(c, channels)
	if err != nil {
		return nil, err
	}
	h := &pastSubscriptions{}
	asks := subscription.Subscription{
		Range: p.Range, NoFollow: c.Bool("no-follow"), Durable: c.String("durable"), Positions: true, Notify: true,
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
	switch {
	case start != entry.Position{}:
		asks.First, asks.Since, asks.From = false, time.Time{}, start
	case asks.Begins() || !asks.NoFollow || asks.Durable != "":
	case h.cursor == nil:
		return nil, errors.New("--no-follow ends at once without --since or --from")
	default: // the first time
		asks.First = true
	}
	for _, ch := range channels {
		asks.Channel = ch
		h.subs = append(h.subs, &pastSubscription{asks: asks, next: start, live: !asks.Begins() && asks.Durable == ""})
	}
	return h, nil
}

// texts are what to subscribe to.
func (h *pastSubscriptions) texts() []string {
	var all []string
	for _, s := range h.subs {
		if !s.ended {
			all = append(all, s.asks.String())
		}
	}
	return all
}

// resume moves the beginnings to where each has got, unless the broker knows that itself.
func (h *pastSubscriptions) resume() {
	for _, s := range h.subs {
		if (s.next != entry.Position{}) && s.asks.Durable == "" {
			s.asks.First, s.asks.Since, s.asks.From, s.live = false, time.Time{}, s.next, false
		}
	}
}

// locate takes the position off a message's channel.
func (h *pastSubscriptions) locate(m *wire.Message) {
	h.position = entry.Position{}
	at := strings.LastIndexByte(m.Channel, '@')
	if at < 0 {
		return
	}
	if p, err := entry.ParsePosition(m.Channel[at+1:]); err == nil {
		h.position, m.Channel = p, m.Channel[:at]
	}
}

// printed says that the message at hand is printed. What is published live comes in the order of the log: all that are
// live have then got there. What is part of a history is so for its own subscriptions only.
func (h *pastSubscriptions) printed(channel string) error {
	if (h.position == entry.Position{}) {
		return nil
	}
	after := entry.Position{Index: h.position.Index, Offset: h.position.Offset + 1}
	live := true
	for _, s := range h.subs {
		if graph.Pattern(s.asks.Channel).Match(channel) {
			s.advance(after)
			live = live && s.live
		}
	}
	for _, s := range h.subs {
		if live && s.live {
			s.advance(after)
		}
	}
	return h.keep(false)
}

func (s *pastSubscription) advance(to entry.Position) {
	if s.next.Compare(to) < 0 {
		s.next = to
	}
}

// keep writes the cursor: the least far that any subscription has got.
func (h *pastSubscriptions) keep(now bool) error {
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

// notice handles a frame on $replay. finished is whether all subscriptions have ended.
func (h *pastSubscriptions) notice(payload []byte, gap func(from, to string)) (finished bool) {
	var n subscription.Notice
	if json.Unmarshal(payload, &n) != nil {
		return false
	}
	finished = true
	for _, s := range h.subs {
		if s.asks.String() == n.Subscription {
			switch n.Event {
			case "gap":
				gap(n.From, n.To)
			case "done":
				s.live, s.ended = n.Live, !n.Live
				if next, err := entry.ParsePosition(n.Next); err == nil {
					s.advance(next)
				}
			}
		}
		finished = finished && s.ended
	}
	return finished
}

// formatJSON is formatJSON with the position.
func (h *pastSubscriptions) formatJSON(dst []byte, m wire.Message, now time.Time) []byte {
	line := ndjson.Message{Time: now, Channel: []byte(m.Channel), Ident: []byte(m.Ident), Payload: m.Payload}
	if (h.position != entry.Position{}) {
		line.Position = h.position.String()
	}
	return ndjson.Append(dst, line)
}

// cursorFile holds a position, as one line.
type cursorFile struct {
	path    string
	written entry.Position
	at      time.Time
}

// cursorEvery is how often the file is written, at most. What was printed since then is printed again after a crash.
const cursorEvery = time.Second

// read is the position in the file, zero if there is no file yet.
func (f *cursorFile) read() (p entry.Position, err error) {
	b, err := os.ReadFile(f.path)
	if errors.Is(err, os.ErrNotExist) {
		return p, nil
	}
	text := strings.TrimSpace(string(b))
	if err == nil && text == "" {
		return p, fmt.Errorf("--cursor-file: %s is empty: it does not say how far sub got; remove it to begin anew", f.path)
	}
	if err == nil {
		p, err = entry.ParsePosition(text)
	}
	if err != nil {
		return p, fmt.Errorf("--cursor-file: %w", err)
	}
	f.written = p
	return p, nil
}

// keep writes p unless it was written just now.
func (f *cursorFile) keep(p entry.Position, now bool) error {
	if p == f.written || (p == entry.Position{}) || !now && time.Since(f.at) < cursorEvery {
		return nil
	}
	if err := atomicfile.Write(f.path, fmt.Appendln(nil, p), 0o600); err != nil {
		return fmt.Errorf("--cursor-file: %w", err)
	}
	f.written, f.at = p, time.Now()
	return nil
}
