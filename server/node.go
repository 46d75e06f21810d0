package server

import (
	"context"
	"errors"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/query/view"
	"hpfriends/raftfsm"
)

// changer is the node's part in v1.Changer.
type changer struct{ *raftfsm.Node }

// Change implements v1.Changer. A refusal for want of space says so.
func (c changer) Change(ctx context.Context, command graph.Command) (graph.Outcome, error) {
	out, err := c.Node.Change(ctx, command)
	if errors.Is(err, raftfsm.ErrDiskFull) {
		return out, api.NewUnavailable("the disk is almost full: only admins change anything now; nothing was changed",
			"tell an admin, and try again when there is room")
	}
	return out, err
}

// Retention implements v1.Changer.
func (c changer) Retention() view.Retention {
	k := c.Kept()
	r := view.Retention{
		AgeSeconds: int64(k.Age / time.Second), SizeBytes: k.Size, Held: k.Held, Clock: k.Wall, Now: k.Now,
		Trusted: k.Trusted, Warnings: k.Warnings,
	}
	if w := k.Waiting; w != nil {
		r.Waiting = &view.Removal{Oldest: w.Oldest, Until: w.Until, Seconds: int64(w.Left / time.Second)}
	}
	if r.Warnings == nil {
		r.Warnings = []string{}
	}
	return r
}
