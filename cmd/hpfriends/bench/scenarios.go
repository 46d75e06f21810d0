package bench

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"hpfriends/internal/load"
	"hpfriends/internal/proc"
	"hpfriends/internal/timespec"
)

// benchThroughput measures a server and, in turn with it, one that forwards from memory.
func benchThroughput(ctx context.Context, b *bench) ([]figure, error) {
	return b.besideForwarder(ctx, 4, 1, func(pubs, subs []load.Key, forwarder *proc.Server) ([]figure, error) {
		var ours, theirs [2]float64 // sent and received
		for range turns {
			for at, sum := range map[*proc.Server]*[2]float64{b.Server: &ours, forwarder: &theirs} {
				here := []*proc.Server{at}
				rates, err := traffic{pubs: pubs, subs: subs, pubAt: here, subAt: here, size: 256}.flow(ctx, b.duration/turns)
				if err != nil {
					return nil, err
				}
				sum[0], sum[1] = sum[0]+rates[0]/turns, sum[1]+rates[1]/turns
			}
		}
		return []figure{
			{Name: "messages published, 4 -> 1, 256 B", Value: ours[0], Unit: "1/s"},
			{Name: "messages delivered, 4 -> 1, 256 B", Value: ours[1], Unit: "1/s", Target: 400_000},
			{Name: "messages delivered, 4 -> 1, 256 B, forwarded from memory", Value: theirs[1], Unit: "1/s"},
			{Name: "messages delivered, 4 -> 1, 256 B, against forwarding from memory", Value: 100 * ours[1] / theirs[1],
				Unit: "%", Target: 50},
		}, nil
	})
}

func benchFanout(ctx context.Context, b *bench) ([]figure, error) {
	rates, err := b.load(ctx, 5, 50, 1024)
	if err != nil {
		return nil, err
	}
	return []figure{
		{Name: "messages published, 5 -> 50, 1 KiB", Value: rates[0], Unit: "1/s"},
		{Name: "deliveries, 5 -> 50, 1 KiB", Value: rates[1], Unit: "1/s", Target: 1_200_000},
	}, nil
}

// load floods this one server and returns the rates of messages sent and received, all connections together.
func (b *bench) load(ctx context.Context, publishers, subscribers, size int) ([]float64, error) {
	pubs, subs, err := load.SetUp(ctx, b.API, load.Channel, publishers, subscribers)
	if err != nil {
		return nil, err
	}
	here := []*proc.Server{b.Server}
	return traffic{pubs: pubs, subs: subs, pubAt: here, subAt: here, size: size}.flow(ctx, b.duration)
}

// traffic is who publishes and who subscribes, and where: connections are spread over the servers in turn.
type traffic struct {
	pubs, subs   []load.Key
	pubAt, subAt []*proc.Server
	size         int // bytes of a payload
	rate         int // messages per second of one publisher; 0: as fast as the servers take them
}

// flow returns the rates of messages sent and received.
func (t traffic) flow(ctx context.Context, d time.Duration) ([]float64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var sent, received atomic.Int64
	g := load.NewCrew(cancel)
	for i, k := range t.subs {
		c, err := load.Subscribe(ctx, t.subAt[i%len(t.subAt)].Address, k, load.Channel)
		if err != nil {
			return nil, errors.Join(err, g.End())
		}
		g.Run(c, func() error { return load.CountFrames(c, &received, nil) })
	}
	for i, k := range t.pubs {
		c, err := load.Login(ctx, t.pubAt[i%len(t.pubAt)].Address, k)
		if err != nil {
			return nil, errors.Join(err, g.End())
		}
		g.Run(c, func() error { return load.Flood(ctx, c, k.Ident, load.Channel, t.size, t.rate, &sent) })
	}
	rates, err := load.Growth(ctx, d, &sent, &received)
	cancel()
	return rates, errors.Join(g.End(), err)
}

func benchIdle(ctx context.Context, b *bench) ([]figure, error) {
	pubs, _, err := load.SetUp(ctx, b.API, load.Channel, 1, 0)
	if err != nil {
		return nil, err
	}
	g := load.NewCrew(func() {})
	defer func() { _ = g.End() }()
	before, err := b.RSS()
	if err != nil {
		return nil, err
	}
	for range b.connections {
		c, err := load.Subscribe(ctx, b.Address, pubs[0], load.Channel)
		if err != nil {
			return nil, err
		}
		g.Run(c, func() error { return nil })
	}
	if err := timespec.Sleep(ctx, 3*time.Second); err != nil {
		return nil, err
	}
	after, err := b.RSS()
	if err != nil {
		return nil, err
	}
	return []figure{{
		Name: fmt.Sprintf("idle subscribed connection, of %d", b.connections), Unit: "KiB",
		Value: (after - before) / float64(b.connections) / 1024, Target: 20, AtMost: true,
	}}, nil
}

func benchStart(ctx context.Context, b *bench) ([]figure, error) {
	if err := timespec.Sleep(ctx, 3*time.Second); err != nil {
		return nil, err
	}
	rss, err := b.RSS()
	if err != nil {
		return nil, err
	}
	return []figure{
		{Name: "start until ready", Value: b.Started.Seconds() * 1000, Unit: "ms", Target: 1000, AtMost: true},
		{Name: "resident memory when idle", Value: rss / (1 << 20), Unit: "MiB", Target: 80, AtMost: true},
	}, nil
}
