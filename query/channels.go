package query

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"hpfriends/graph"
	"hpfriends/query/traffic"
	"hpfriends/query/view"
)

func named(name string) view.Channel {
	c := view.Channel{Name: name}
	if !utf8.ValidString(name) {
		c.Raw = []byte(name)
	}
	return c
}

func (c *visibleChannel) view() view.Channel {
	v, newest := named(c.name), c.newest()
	v.Last, v.Position = newest.When(), newest.String()
	return v
}

func amount(s traffic.Span) view.Amount {
	return view.Amount{
		Messages: s.Messages, Bytes: s.Bytes, Rate: rate(s.Messages, s.Newest.When().Sub(s.First.When())),
		First: s.First.When(), FirstPosition: s.First.String(),
	}
}

// rate is per second; what came within a second counts as if it took one.
func rate(messages uint64, over time.Duration) float64 {
	return float64(messages) / max(over, time.Second).Seconds()
}

// Channels are the channels that begin with prefix and come after one by name, in byte order, of which the log holds a
// message that the viewer may see: one of their own, or of an origin that reaches them there. A limit of 0 is none.
func (q *channels) Channels(
	ctx context.Context, by graph.Actor, prefix, after string, limit int,
) ([]view.Channel, error) {
	found := []view.Channel{}
	err := q.each(ctx, by, traffic.WithPrefix(prefix, after), nil, func(c *visibleChannel) error {
		found = append(found, c.view())
		if len(found) == limit {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return found, err
}

const maxOrigins = 1000

// Channel shows one channel. Without a message that the viewer may see it is not found.
func (q *channels) Channel(ctx context.Context, viewer graph.Actor, name string) (view.ChannelDetail, error) {
	var found *visibleChannel
	err := q.each(ctx, viewer, traffic.Exactly(name), nil, func(c *visibleChannel) error {
		found = c
		return nil
	})
	if err != nil {
		return view.ChannelDetail{}, err
	}
	if found == nil {
		return view.ChannelDetail{}, missing("channel", strings.ToValidUTF8(name, "\ufffd"))
	}
	return q.detail(found)
}

func (q *channels) detail(c *visibleChannel) (view.ChannelDetail, error) {
	g, counter := q.graph(), q.traffic.Counter(c.name)
	d := view.ChannelDetail{Channel: c.view(), Origins: []view.Origin{}}
	var sum traffic.Span
	for _, of := range c.series {
		s, err := counter.Since(of.Row, of.from)
		if err != nil {
			return d, err
		}
		if s.Messages == 0 {
			continue // retention took it meanwhile
		}
		sum.Merge(s)
		d.Origins = append(d.Origins, view.Origin{
			User: handle(g, of.Origin), Last: s.Newest.When(), Position: s.Newest.String(), Amount: amount(s),
		})
	}
	d.Amount = amount(sum)
	slices.SortStableFunc(d.Origins, func(a, b view.Origin) int { return cmp.Compare(b.Messages, a.Messages) })
	d.Origins = d.Origins[:min(len(d.Origins), maxOrigins)]
	return d, nil
}

// TopBy says what makes a channel a top one.
type TopBy string

const (
	TopMessages TopBy = "messages"
	TopBytes    TopBy = "bytes"
)

// TopQuery asks for the channels with the most traffic.
type TopQuery struct {
	By     TopBy
	Window time.Duration // before now; 0: all that the log holds
	Limit  int
}

// Top are the channels with the most traffic that the viewer may see, the most first. A window begins with the first
// entry of the log that is not older, by the messages' own times where a wrong clock has stamped one of them.
func (q *channels) Top(ctx context.Context, by graph.Actor, t TopQuery, now time.Time) ([]view.ChannelTotal, error) {
	if t.By != TopMessages && t.By != TopBytes || t.Window < 0 || t.Limit < 1 {
		return nil, refuse(graph.Invalid, "for example by=bytes&window=1h&limit=10",
			"top needs by=messages or by=bytes, a window and a limit")
	}
	begin := uint64(0)
	if t.Window > 0 {
		var err error
		if begin, err = q.log.StartAt(now.Add(-t.Window)); err != nil {
			return nil, err
		}
	}
	counter, best := q.traffic.Counter(""), []view.ChannelTotal{}
	more := func(a, b view.ChannelTotal) int {
		if t.By == TopBytes {
			return cmp.Compare(b.Bytes, a.Bytes) // a stable sort keeps the order of names
		}
		return cmp.Compare(b.Messages, a.Messages)
	}
	err := q.each(ctx, by, traffic.WithPrefix("", ""), nil, func(c *visibleChannel) error {
		total, err := c.total(counter, begin)
		if err != nil || total.Messages == 0 {
			return err
		}
		if t.Window > 0 {
			total.Rate = rate(total.Messages, t.Window)
		}
		if best = append(best, total); len(best) >= 2*t.Limit+64 {
			slices.SortStableFunc(best, more)
			best = best[:t.Limit]
		}
		return nil
	})
	slices.SortStableFunc(best, more)
	return best[:min(len(best), t.Limit)], err
}

// total sums what the viewer may see of the channel at or above an index.
func (c *visibleChannel) total(counter *traffic.Counter, begin uint64) (view.ChannelTotal, error) {
	v := view.ChannelTotal{Channel: c.view()}
	var sum traffic.Span
	for _, of := range c.series {
		s, err := counter.Since(of.Row, max(of.from, begin))
		if err != nil {
			return v, err
		}
		if s.Messages > 0 {
			sum.Merge(s)
			v.Origins++
		}
	}
	v.Amount = amount(sum)
	return v, nil
}
