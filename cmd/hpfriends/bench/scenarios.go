package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"hpfriends/internal/load"
	"hpfriends/internal/payload"
	"hpfriends/internal/proc"
	"hpfriends/internal/timespec"
	"hpfriends/wire"
)

func benchThroughput(ctx context.Context, b *bench) ([]figure, error) {
	rates, err := b.load(ctx, 4, 1, 256)
	if err != nil {
		return nil, err
	}
	return []figure{
		{Name: "messages published, 4 -> 1, 256 B", Value: rates[0], Unit: "1/s"},
		{Name: "messages delivered, 4 -> 1, 256 B", Value: rates[1], Unit: "1/s", Target: 400_000},
	}, nil
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

// tempo is how messages are published to measure how long they take.
type tempo struct {
	perSecond, perTick int // messages; a tick's are written at once
	where              string
	p99                float64 // target, ms; 0: none
}

const steadyRate, steadyTick = 20_000, 20

func benchLatency(ctx context.Context, b *bench) ([]figure, error) {
	pubs, subs, err := load.SetUp(ctx, b.API, load.Channel, 1, 1)
	if err != nil {
		return nil, err
	}
	return tempo{steadyRate, steadyTick, "", 10}.latency(ctx, b.Server, pubs[0], subs[0], b.duration)
}

// latency publishes and subscribes at one server.
func (r tempo) latency(ctx context.Context, at *proc.Server, pk, sk load.Key, d time.Duration) ([]figure, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var received atomic.Int64
	var times []time.Duration
	begin := time.Now()
	g := load.NewCrew(cancel)
	sub, err := load.Subscribe(ctx, at.Address, sk, load.Channel)
	if err != nil {
		return nil, err
	}
	header := wire.HeaderLen + 1 + len(pk.Ident) + 1 + len(load.Channel)
	g.Run(sub, func() error {
		return load.CountFrames(sub, &received, func(f []byte) {
			times = append(times, time.Since(begin)-time.Duration(binary.BigEndian.Uint64(f[header:])))
		})
	})
	pub, err := load.Login(ctx, at.Address, pk)
	if err != nil {
		return nil, errors.Join(err, g.End())
	}
	g.Run(pub, func() error { return r.publish(ctx, pub, pk.Ident, begin) })
	err = timespec.Sleep(ctx, d)
	cancel()
	if err := errors.Join(g.End(), err); err != nil {
		return nil, err
	}
	if len(times) < r.perSecond {
		return nil, fmt.Errorf("only %d messages arrived", len(times))
	}
	times = times[r.perSecond/2:] // warming up
	slices.Sort(times)
	ms := func(q float64) float64 { return times[int(q*float64(len(times)-1))].Seconds() * 1000 }
	return []figure{
		{Name: fmt.Sprintf("messages delivered at %d/s%s", r.perSecond, r.where),
			Value: float64(received.Load()) / d.Seconds(), Unit: "1/s"},
		{Name: "publish-to-deliver p50" + r.where, Value: ms(.5), Unit: "ms"},
		{Name: "publish-to-deliver p99" + r.where, Value: ms(.99), Unit: "ms", Target: r.p99, AtMost: true},
		{Name: "publish-to-deliver p99.9" + r.where, Value: ms(.999), Unit: "ms"},
	}, nil
}

// publish keeps the pace until ctx is done; each payload begins with the time of its sending.
func (r tempo) publish(ctx context.Context, c net.Conn, ident string, begin time.Time) error {
	all := payload.Honeypot(1000, 256)
	tick := time.NewTicker(time.Second * time.Duration(r.perTick) / time.Duration(r.perSecond))
	defer tick.Stop()
	sent := 0
	var buf []byte
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		due := int(time.Since(begin).Seconds() * float64(r.perSecond))
		buf = buf[:0]
		for ; sent < due; sent++ {
			p := all[sent%len(all)]
			binary.BigEndian.PutUint64(p, uint64(time.Since(begin)))
			buf = wire.AppendPublish(buf, ident, load.Channel, p)
		}
		if _, err := c.Write(buf); err != nil && ctx.Err() == nil {
			return err
		}
	}
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
