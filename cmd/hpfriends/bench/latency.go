package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"hpfriends/internal/load"
	"hpfriends/internal/payload"
	"hpfriends/internal/proc"
	"hpfriends/internal/timespec"
	"hpfriends/wire"
)

// tempo is how messages are published to measure how long they take.
type tempo struct {
	perSecond, perTick int // messages; a tick's are written at once
	where              string
	p99                float64 // target, ms; 0: none
}

const steadyRate, steadyTick = 20_000, 20

// benchLatency measures a server and, in turn with it, one that forwards from memory.
func benchLatency(ctx context.Context, b *bench) ([]figure, error) {
	return b.besideForwarder(ctx, 1, 1, func(pubs, subs []load.Key, forwarder *proc.Server) ([]figure, error) {
		var all []figure
		for _, c := range []struct {
			factor   int     // of the steady rate
			p99      float64 // target, ms; 0: none
			ofMemory float64 // target, in percent of what forwarding takes
		}{{1, 10, 150}, {4, 0, 200}} {
			rate := c.factor * steadyRate
			at := fmt.Sprintf(" at %d/s", rate)
			ours := tempo{rate, c.factor * steadyTick, at, c.p99}
			theirs := tempo{rate, c.factor * steadyTick, at + ", forwarded from memory", 0}
			first, err := readParts(ctx, b.Server)
			if err != nil {
				return nil, err
			}
			var here, there []time.Duration
			for range turns {
				some, err := ours.times(ctx, b.Server, pubs[0], subs[0], b.duration/turns)
				if err != nil {
					return nil, err
				}
				here = append(here, some...)
				if some, err = theirs.times(ctx, forwarder, pubs[0], subs[0], b.duration/turns); err != nil {
					return nil, err
				}
				there = append(there, some...)
			}
			last, err := readParts(ctx, b.Server)
			if err != nil {
				return nil, err
			}
			all = append(append(all, ours.figures(here)...), partFigures(at, first, last)...)
			all = append(all, theirs.figures(there)...)
			all = append(all, figure{Name: "publish-to-deliver p99" + at + ", against forwarding from memory", Unit: "%",
				Value: 100 * quantile(here, .99) / quantile(there, .99), Target: c.ofMemory, AtMost: true})
		}
		return all, nil
	})
}

// turns is how often a server and a forwarder are measured.
const turns = 3

// latency publishes and subscribes at one server.
func (r tempo) latency(ctx context.Context, at *proc.Server, pk, sk load.Key, d time.Duration) ([]figure, error) {
	times, err := r.times(ctx, at, pk, sk, d)
	if err != nil {
		return nil, err
	}
	return r.figures(times), nil
}

// figures tells how long messages took.
func (r tempo) figures(times []time.Duration) []figure {
	return []figure{
		{Name: "publish-to-deliver p50" + r.where, Value: quantile(times, .5), Unit: "ms"},
		{Name: "publish-to-deliver p99" + r.where, Value: quantile(times, .99), Unit: "ms", Target: r.p99, AtMost: true},
		{Name: "publish-to-deliver p99.9" + r.where, Value: quantile(times, .999), Unit: "ms"},
	}
}

// times is how long each message took, but for those of the first half second.
func (r tempo) times(ctx context.Context, at *proc.Server, pk, sk load.Key, d time.Duration) ([]time.Duration, error) {
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
	if least := int(d.Seconds() * float64(r.perSecond) * .9); len(times) < least {
		return nil, fmt.Errorf("%d messages arrived at %d/s, want %d", len(times), r.perSecond, least)
	}
	return times[r.perSecond/2:], nil // the others were of a server that was warming up
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
