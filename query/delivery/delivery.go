// Package delivery counts what shares have passed on lately: the messages that a share covers, from when it was made,
// whether or not a client of its receivers was connected.
//
// Of type own that is what its owner published, of type all also what reaches the owner now. Whoever receives a message
// by several shares gets it once, and it counts for each of them.
package delivery

import (
	"context"
	"errors"
	"slices"
	"strings"

	"hpfriends/graph"
	"hpfriends/query/traffic"
	"hpfriends/query/view"
)

// maxSeries bounds what is looked at for one answer: a series is a channel of one origin.
const maxSeries = 2000

var errEnough = errors.New("delivery: enough")

// Count tells of each share what it has passed on from an index on, if the viewer knows that somebody takes it: they
// themselves, of a share with them; anybody, of others.
func Count(
	ctx context.Context, p *traffic.Projection, v graph.Viewer, begin uint64, shares []view.Share,
) error {
	c := counter{Viewer: v, Counter: p.Counter(""), left: maxSeries}
	for i := range shares {
		shown := &shares[i]
		share, ok := v.Graph().Share(shown.ID)
		if !ok || shown.Expired || !taken(shown) {
			continue
		}
		c.share, c.with, c.day = share, shown.Decision != "", view.DayCount{}
		c.channel = ""
		from := max(begin, share.Created.Index)
		asked := traffic.Asked{Wants: c.carries, Origins: c.origins}
		err := p.Rows(ctx, traffic.Matching(share.Channel), asked, func(r traffic.Row) error { return c.add(r, from) })
		if err != nil && !errors.Is(err, errEnough) {
			return err
		}
		c.day.PerHour = float64(c.day.Messages) / 24
		day := c.day
		shown.Delivered = &day
	}
	return nil
}

func taken(s *view.Share) bool {
	if s.Decision != "" {
		return s.Decision == view.Enabled
	}
	return len(s.EnabledBy) > 0
}

// counter counts for one answer.
type counter struct {
	graph.Viewer
	*traffic.Counter
	left int // series

	share *graph.Share
	with  bool // it is with the viewer, to whom it brings nothing of their own
	day   view.DayCount

	channel string // of sources
	sources graph.Sources
}

// origins are all whose messages the share may pass on.
func (c *counter) origins() []graph.UserID {
	of := []graph.UserID{c.share.Owner}
	if c.share.Type == graph.All {
		within := c.Graph().SourcesWithin(c.share.Owner, strings.TrimSuffix(string(c.share.Channel), "*"))
		of = slices.AppendSeq(of, within.Origins())
	}
	return of
}

func (c *counter) add(r traffic.Row, from uint64) error {
	if r.All.Newest.Index < from {
		return nil
	}
	if c.left--; c.left < 0 {
		c.day.AtLeast = true
		return errEnough
	}
	s, err := c.Since(r, from)
	c.day.Messages += s.Messages
	return err
}

// carries reports whether the share passes on what an origin publishes on a channel.
func (c *counter) carries(s traffic.Series) bool {
	if c.with && s.Origin == c.User {
		return false
	}
	if s.Origin == c.share.Owner || c.share.Type != graph.All {
		return s.Origin == c.share.Owner
	}
	if c.channel != s.Channel { // rows come by channel
		c.channel, c.sources = s.Channel, c.Graph().Sources(c.share.Owner, s.Channel)
	}
	_, ok := c.sources.VisibleFrom(s.Origin)
	return ok
}
