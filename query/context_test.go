package query

import (
	"context"
	"errors"
	"testing"
	"time"

	"hpfriends/graph"
)

// A question ends with the request that asks it: nothing goes on for a client that has left.
func TestQuestionsEndWithTheRequest(t *testing.T) {
	c := newCommunity(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	operator := graph.Actor{Operator: true}
	for name, ask := range map[string]func() error{
		"channels": func() error { _, err := c.q.Channels(ctx, operator, "", "", 0); return err },
		"channel":  func() error { _, err := c.q.Channel(ctx, operator, "c"); return err },
		"top": func() error {
			_, err := c.q.Top(ctx, operator, TopQuery{By: TopBytes, Limit: 1}, time.Now())
			return err
		},
		"search": func() error { _, err := c.q.Search(ctx, operator, SearchQuery{Text: "c", Limit: 1}); return err },
		"audit":  func() error { _, _, err := c.q.AuditEvents(ctx, operator, AuditFilter{}); return err },
		"audit, of one user": func() error {
			_, _, err := c.q.AuditEvents(ctx, graph.Actor{User: c.bob}, AuditFilter{Op: "share.*"})
			return err
		},
	} {
		if err := ask(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
