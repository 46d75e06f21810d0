package query

import (
	"context"
	"errors"
	"io"
	"time"

	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/query/view"
)

// CountMessages counts what Messages would yield. No payload is unpacked.
func (q *Query) CountMessages(ctx context.Context, viewer graph.Actor, f MessageFilter) (view.Count, error) {
	return q.CountOn(ctx, viewer, f, func(string) error { return nil })
}

// CountOn is CountMessages, and calls on with the channels that the messages are on, often more than once. Its error
// ends the count.
func (q *Query) CountOn(
	ctx context.Context, viewer graph.Actor, f MessageFilter, on func(channel string) error,
) (view.Count, error) {
	f.Newest = false
	m := q.Messages(viewer, f)
	var c view.Count
	for !m.limited() {
		err := m.nextEntry(ctx)
		var gap *Gap
		if errors.As(err, &gap) {
			c.Gap = true
			continue
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return c, err
		}
		for _, p := range m.parts {
			if err := on(m.header.Runs[p.run].Channel); err != nil {
				return c, err
			}
		}
		m.countEntry(&c)
	}
	c.Messages, c.Next = m.read, m.Rest().String()
	return c, nil
}

// countEntry counts the entry at hand, as far as the limit allows.
func (m *Messages) countEntry(c *view.Count) {
	for _, p := range m.parts {
		n := uint64(p.hi - p.lo)
		if m.filter.Limit > 0 {
			n = min(n, m.filter.Limit-m.read)
		}
		if n == 0 {
			break
		}
		at := time.UnixMilli(m.header.Runs[p.run].Time).UTC()
		if c.First == nil {
			c.From, c.First = eventlog.Position{Index: m.index, Offset: p.lo}.String(), &at
		}
		c.Last = &at
		m.read += n
		m.at = eventlog.Position{Index: m.index, Offset: p.lo + uint32(n)}
	}
	m.parts = nil
}
