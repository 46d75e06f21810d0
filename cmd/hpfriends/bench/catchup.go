package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"hpfriends/api"
	"hpfriends/internal/load"
	"hpfriends/internal/proc"
	"hpfriends/internal/timespec"
	"hpfriends/wire"
)

// clusterCatchUp fills the log of two nodes, and has a third one take it while messages are confirmed at a steady pace.
// The three share the machine.
func clusterCatchUp(ctx context.Context, b *bench) ([]figure, error) {
	l, err := b.replays(ctx)
	if err != nil {
		return nil, err
	}
	l.messages = l.messages / replayChannels * replayChannels
	if err := l.fill(ctx, "load", replayChannels, l.messages); err != nil {
		return nil, err
	}
	return l.caughtUpBeside(ctx, 60)
}

const (
	smallMessages = 150_000
	smallRate     = 3000 // messages per second, each written on its own
)

// clusterCatchUpSmall is clusterCatchUp with a log whose entries have a few messages, as sensors leave behind that send
// now and then.
func clusterCatchUpSmall(ctx context.Context, b *bench) ([]figure, error) {
	l, err := b.replays(ctx)
	if err != nil {
		return nil, err
	}
	l.messages = min(l.messages, smallMessages) / 2 * 2
	if err := l.trickle(ctx, b.all()[:2], l.messages); err != nil {
		return nil, err
	}
	return l.caughtUpBeside(ctx, 0)
}

// trickle publishes count messages at a moderate pace, in equal parts at each of some servers.
func (l *replayLoad) trickle(ctx context.Context, at []*proc.Server, count int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g := load.NewCrew(cancel)
	all, begin, every := distinct(), time.Now(), time.Second*time.Duration(len(at))/smallRate
	for i, s := range at {
		c, err := load.Login(ctx, s.Address, l.pub)
		if err != nil {
			return errors.Join(err, g.End())
		}
		next := func(n int) ([]byte, error) {
			channel, p := "sensor."+strconv.Itoa(n%replayChannels), all[(i*997+n)%len(all)]
			err := timespec.Sleep(ctx, time.Until(begin.Add(time.Duration(n)*every)))
			return wire.AppendPublish(nil, l.pub.Ident, channel, p), err
		}
		g.Run(c, func() error { return publishPaced(c, l.pub.Ident, next, count/len(at)) })
	}
	g.Wait()
	return g.End()
}

// caughtUpBeside is how fast a new node takes what is in the log, and what that does to confirmations.
func (l *replayLoad) caughtUpBeside(ctx context.Context, target float64) ([]figure, error) {
	if err := l.settle(ctx); err != nil {
		return nil, err
	}
	var goal uint64
	alone, beside, took, err := l.confirmedBeside(ctx, func() error {
		s, err := l.status(ctx)
		if err != nil {
			return err
		}
		for _, m := range s.Members {
			goal = max(goal, m.Applied)
		}
		if err := l.join(ctx); err != nil {
			return err
		}
		return l.caughtUp(ctx, goal)
	})
	if err != nil {
		return nil, err
	}
	if err := l.leads(ctx); err != nil {
		return nil, err
	}
	payloads := float64(l.messages * replaySize)
	return append([]figure{
		{Name: fmt.Sprintf("a new node takes %d messages of 256 B", l.messages), Unit: "s", Value: took.Seconds()},
		{Name: "payload that it takes", Unit: "MiB/s", Value: payloads / took.Seconds() / (1 << 20), Target: target},
		{Name: "entries that it takes", Unit: "1/s", Value: float64(goal) / took.Seconds()},
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
