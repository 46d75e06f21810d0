package query

import (
	"context"
	"errors"
	"io"
	"time"

	"hpfriends/eventlog"
	"hpfriends/graph"
)

// Count is what a reader of messages would get.
type Count struct {
	Messages uint64     `json:"messages"`
	From     string     `json:"from,omitempty" doc:"position of the first"`
	Next     string     `json:"next" doc:"position after the last"`
	First    *time.Time `json:"first,omitempty" doc:"time of the first"`
	Last     *time.Time `json:"last,omitempty" doc:"time of the last"`
	Gap      bool       `json:"gap,omitempty" doc:"retention has taken what was asked for first"`
}

// CountMessages counts what Messages would yield. No payload is unpacked.
func (q *Query) CountMessages(ctx context.Context, viewer graph.Actor, f MessageFilter) (Count, error) {
	f.Newest = false
	m := q.Messages(viewer, f)
	var c Count
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
		m.countEntry(&c)
	}
	c.Messages, c.Next = m.read, m.Rest().String()
	return c, nil
}

// countEntry counts the entry at hand, as far as the limit allows.
func (m *Messages) countEntry(c *Count) {
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
