package bench

import (
	"context"
	"fmt"
	"time"

	"hpfriends/api"
	"hpfriends/internal/load"
	"hpfriends/internal/timespec"
)

// clusterCatchUp fills the log of two nodes, and has a third one take it while messages are confirmed at a steady pace.
// The three share the machine.
func clusterCatchUp(ctx context.Context, b *bench) ([]figure, error) {
	pubs, subs, err := load.SetUp(ctx, b.API, "*", 1, 1)
	if err != nil {
		return nil, err
	}
	l := &replayLoad{bench: b, pub: pubs[0], sub: subs[0]}
	l.messages = l.messages / replayChannels * replayChannels
	if err := l.fill(ctx, "load", replayChannels, l.messages); err != nil {
		return nil, err
	}
	if err := b.settle(ctx); err != nil {
		return nil, err
	}
	alone, beside, took, err := l.confirmedBeside(ctx, func() error {
		s, err := b.status(ctx)
		if err != nil {
			return err
		}
		var goal uint64
		for _, m := range s.Members {
			goal = max(goal, m.Applied)
		}
		if err := b.join(ctx); err != nil {
			return err
		}
		return b.caughtUp(ctx, goal)
	})
	if err != nil {
		return nil, err
	}
	if err := b.leads(ctx); err != nil {
		return nil, err
	}
	payloads := float64(l.messages * replaySize)
	return append([]figure{
		{Name: fmt.Sprintf("a new node takes %d messages of 256 B", l.messages), Unit: "s", Value: took.Seconds()},
		{Name: "payload that it takes", Unit: "MiB/s", Value: payloads / took.Seconds() / (1 << 20), Target: 60},
	}, confirmed("it", alone, beside)...), nil
}

// caughtUp waits until the newest node has applied an entry.
func (b *bench) caughtUp(ctx context.Context, goal uint64) error {
	newest := b.followers[len(b.followers)-1]
	for {
		s, err := api.ShowCluster.Call(ctx, newest.API, api.None{})
		if err != nil {
			return err
		}
		for _, m := range s.Members {
			if m.ID == s.Node && m.Applied >= goal {
				return nil
			}
		}
		if err := timespec.Sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}
