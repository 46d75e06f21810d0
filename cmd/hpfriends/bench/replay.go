package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"hpfriends/internal/load"
	"hpfriends/internal/payload"
	"hpfriends/internal/proc"
	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

const (
	replayChannels = 200
	replaySize     = 256 // bytes of a payload
)

// replayLoad is what a measurement of replays begins with: messages on 200 channels, all of one user.
type replayLoad struct {
	*bench
	pub, sub   load.Key
	begin, end time.Time // of publishing
}

// replays is what a measurement of what a log holds begins with.
func (b *bench) replays(ctx context.Context) (*replayLoad, error) {
	pubs, subs, err := load.SetUp(ctx, b.API, "*", 1, 1)
	if err != nil {
		return nil, err
	}
	return &replayLoad{bench: b, pub: pubs[0], sub: subs[0]}, nil
}

// benchReplay loads the log, and then measures reading it.
func benchReplay(ctx context.Context, b *bench) ([]figure, error) {
	l, err := b.replays(ctx)
	if err != nil {
		return nil, err
	}
	if err := l.gather(ctx); err != nil { // first, so that it is in no cache later
		return nil, err
	}
	l.begin = time.Now()
	// Each connection has its own channel, as sensors under load have.
	if err := l.fill(ctx, "load", replayChannels, b.messages); err != nil {
		return nil, err
	}
	l.end = time.Now()
	// The worst case for one channel: its messages are scattered one by one over the whole log.
	scattered := min(b.messages/10, 1_000_000)
	if err := l.fill(ctx, "mix", 1, scattered); err != nil {
		return nil, err
	}
	only, err := regexp.Compile(b.only)
	if err != nil {
		return nil, fmt.Errorf("--only: %w", err)
	}
	var all []figure
	for _, m := range l.measurements() {
		if !only.MatchString(m.name) {
			continue
		}
		figures, err := m.run(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, figures...)
	}
	return all, nil
}

// measurement is one part of benchReplay.
type measurement struct {
	name string // that --only chooses by
	run  func(context.Context) ([]figure, error)
}

func (l *replayLoad) measurements() []measurement {
	return []measurement{
		{"whole", l.whole}, {"single", l.single}, {"scattered", l.scattered}, {"crowd", l.crowd}, {"first", l.first},
		{"cold", l.cold}, {"beside", l.beside}, {"restart", l.restart},
	}
}

// fill publishes count messages from connections that share them evenly, and waits until all are durable. A single
// connection publishes on the 200 channels in turn, several on one channel each.
func (l *replayLoad) fill(ctx context.Context, prefix string, connections, count int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g := load.NewCrew(cancel)
	for i := range connections {
		c, err := load.Login(ctx, l.Address, l.pub)
		if err != nil {
			return errors.Join(err, g.End())
		}
		channel := func(n int) string {
			if connections == 1 {
				return prefix + "." + strconv.Itoa(n%replayChannels)
			}
			return prefix + "." + strconv.Itoa(i)
		}
		g.Run(c, func() error { return publish(c, l.pub.Ident, channel, i, count/connections) })
	}
	g.Wait()
	return g.End()
}

// distinct are more payloads than a block of the log holds, so that nothing packs well because it was sent before.
var distinct = sync.OnceValue(func() [][]byte { return payload.Honeypot(128<<10, replaySize) })

// publish sends count messages, each on its channel, and waits until all are durable. Payloads begin with a number of
// the caller's choice.
func publish(c net.Conn, ident string, channel func(i int) string, first, count int) error {
	all := distinct()
	return sendAll(c, ident, count, func() error {
		var buf []byte
		for i := range count {
			buf = wire.AppendPublish(buf, ident, channel(i), all[(first*997+i)%len(all)])
			if len(buf) >= 128<<10 || i == count-1 {
				if _, err := c.Write(buf); err != nil {
					return err
				}
				buf = buf[:0]
			}
		}
		return nil
	})
}

// publishPaced sends count messages, each on its own when next gives it, and waits until all are durable.
func publishPaced(c net.Conn, ident string, next func(i int) ([]byte, error), count int) error {
	return sendAll(c, ident, count, func() error {
		for i := range count {
			frame, err := next(i)
			if err == nil {
				_, err = c.Write(frame)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// sendAll has count messages sent, and waits until all are durable.
func sendAll(c net.Conn, ident string, count int, send func() error) error {
	if _, err := c.Write(wire.AppendSubscribe(nil, ident, subscription.Acks)); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		var n atomic.Int64
		var failed error
		err := load.CountFrames(c, &n, func(f []byte) {
			_, channel, payload, err := wire.ParsePublish(f)
			if err != nil || string(channel) != subscription.Acks {
				failed = fmt.Errorf("instead of an acknowledgement: %.100q", f)
			} else if durable, _ := strconv.Atoi(string(payload)); durable < count {
				return
			}
			_ = c.Close()
		})
		done <- errors.Join(failed, err)
	}()
	if err := send(); err != nil {
		_ = c.Close()
		return errors.Join(err, <-done)
	}
	return <-done
}

// replayed is what one replay took.
type replayed struct {
	messages    int
	first, took time.Duration // since subscribing
}

// replay subscribes and reads until the notice that history is done.
func (l *replayLoad) replay(ctx context.Context, channel string, query url.Values) (replayed, error) {
	return l.read(ctx, channel, query, func([]byte) {})
}

// read is replay, and gives each frame of a message.
func (l *replayLoad) read(ctx context.Context, channel string, query url.Values, each func(frame []byte)) (
	replayed, error,
) {
	c, err := load.Login(ctx, l.Address, l.sub)
	if err != nil {
		return replayed{}, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	query.Set("notify", "1")
	begin := time.Now()
	if _, err := c.Write(wire.AppendSubscribe(nil, l.sub.Ident, channel+"?"+query.Encode())); err != nil {
		return replayed{}, err
	}
	var r replayed
	var n atomic.Int64
	var failed error
	mark := append([]byte{byte(len(subscription.Replay))}, subscription.Replay...)
	head := wire.HeaderLen + 1 + len(l.sub.Ident)
	err = load.CountFrames(c, &n, func(f []byte) {
		if r.first == 0 {
			r.first = time.Since(begin)
		}
		switch {
		case f[wire.HeaderLen-1] == wire.OpError:
			failed = fmt.Errorf("%s: the broker says %q", channel, f[wire.HeaderLen:])
		case len(f) > head && bytes.HasPrefix(f[head:], mark):
			r.took = time.Since(begin)
			var notice subscription.Notice
			failed = json.Unmarshal(f[head+len(mark):], &notice)
			if r.messages = int(notice.Messages); failed == nil && r.messages != int(n.Load()) {
				failed = fmt.Errorf("%s: %d messages came, the notice says %d", channel, n.Load(), r.messages)
			}
		default:
			each(f)
			return
		}
		_ = c.Close()
	})
	if r.took == 0 && err == nil {
		err = ctx.Err()
	}
	return r, errors.Join(err, failed)
}

func everything() url.Values { return url.Values{"from": {"first"}, "follow": {"0"}} }

func (l *replayLoad) whole(ctx context.Context) ([]figure, error) {
	before, err := l.CPU()
	if err != nil {
		return nil, err
	}
	r, err := l.replay(ctx, "load.*", everything())
	if err == nil && r.messages != l.messages/replayChannels*replayChannels {
		err = fmt.Errorf("%d messages replayed, %d were published", r.messages, l.messages)
	}
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("replay of %d messages on 200 channels", r.messages)
	return l.rate(figure{Name: name, Target: 1_000_000}, before, r)
}

// single replays one channel after the other.
func (l *replayLoad) single(ctx context.Context) ([]figure, error) {
	f := figure{Name: "replay of one whole channel of 200, sent in bursts", Target: 1_000_000}
	return l.channels(ctx, f, "load", 40)
}

func (l *replayLoad) scattered(ctx context.Context) ([]figure, error) {
	f := figure{Name: "replay of one channel of 200, scattered one by one", Target: 200_000}
	return l.channels(ctx, f, "mix", 10)
}

func (l *replayLoad) channels(ctx context.Context, f figure, prefix string, count int) ([]figure, error) {
	before, err := l.CPU()
	if err != nil {
		return nil, err
	}
	var all replayed
	for i := range count {
		r, err := l.replay(ctx, fmt.Sprintf("%s.%d", prefix, i*replayChannels/count), everything())
		if err != nil {
			return nil, err
		}
		all.messages, all.took = all.messages+r.messages, all.took+r.took
	}
	return l.rate(f, before, all)
}

// rate makes a figure of what was replayed, and one of what that has cost the server since it had taken so much
// processor time: where others keep the machine busy, it alone can be compared.
func (l *replayLoad) rate(f figure, before time.Duration, r replayed) ([]figure, error) {
	after, err := l.CPU()
	if err != nil {
		return nil, err
	}
	f.Unit, f.Value = "1/s", float64(r.messages)/r.took.Seconds()
	return []figure{f, {
		Name: f.Name + ", by the server's processor time", Unit: "1/s",
		Value: float64(r.messages) / max(after-before, time.Millisecond).Seconds(),
	}}, nil
}

// first is how soon the first message comes, from any time.
func (l *replayLoad) first(ctx context.Context) ([]figure, error) {
	var all []time.Duration
	for i := range 60 {
		at := l.begin.Add(time.Duration(rand.Int64N(int64(l.end.Sub(l.begin) * 9 / 10))))
		channel := "load.*"
		if i%2 == 0 {
			channel = fmt.Sprintf("load.%d", rand.IntN(replayChannels))
		}
		r, err := l.replay(ctx, channel, url.Values{
			"since": {at.Format(time.RFC3339Nano)}, "until": {at.Add(l.end.Sub(l.begin) / 20).Format(time.RFC3339Nano)},
		})
		if err != nil {
			return nil, err
		}
		all = append(all, r.first)
	}
	slices.Sort(all)
	return []figure{
		{Name: "first message of a replay from any time, p50", Unit: "ms", Value: all[len(all)/2].Seconds() * 1000},
		{Name: "first message of a replay from any time, worst of 60", Unit: "ms", Value: all[len(all)-1].Seconds() * 1000,
			Target: 50, AtMost: true},
	}, nil
}

// besideRounds is how often publishing with and without a replay is measured, in turn: the store's own work comes in
// waves.
const besideRounds = 3

// beside is what a replay of everything, again and again, leaves of the rate of publishing.
func (l *replayLoad) beside(ctx context.Context) ([]figure, error) {
	var alone, beside, read float64
	for range besideRounds {
		rate, _, err := l.live(ctx, false)
		if err != nil {
			return nil, err
		}
		alone += rate / besideRounds
		rate, messages, err := l.live(ctx, true)
		if err != nil {
			return nil, err
		}
		beside, read = beside+rate/besideRounds, read+messages/besideRounds
	}
	return []figure{
		{Name: "messages published without a replay", Unit: "1/s", Value: alone},
		{Name: "messages published beside a replay", Unit: "1/s", Value: beside},
		{Name: "messages replayed meanwhile", Unit: "1/s", Value: read},
		{Name: "rate of publishing kept beside a replay", Unit: "%", Value: 100 * beside / alone, Target: 80},
	}, nil
}

// live publishes for the duration, from four connections, with or without a replay beside it.
func (l *replayLoad) live(ctx context.Context, replaying bool) (published, read float64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var sent, received atomic.Int64
	g := load.NewCrew(cancel)
	for i := range 4 {
		c, err := load.Login(ctx, l.Address, l.pub)
		if err != nil {
			return 0, 0, errors.Join(err, g.End())
		}
		g.Run(c, func() error { return load.Flood(ctx, c, l.pub.Ident, "live."+strconv.Itoa(i), replaySize, 0, &sent) })
	}
	if replaying {
		c, err := load.Login(ctx, l.Address, l.sub)
		if err != nil {
			return 0, 0, errors.Join(err, g.End())
		}
		frames := wire.AppendSubscribe(nil, l.sub.Ident, "load.*?from=first&follow=0&notify=1")
		again := []byte(subscription.Replay)
		g.Run(c, func() error {
			_, err := c.Write(frames)
			return errors.Join(err, load.CountFrames(c, &received, func(f []byte) {
				if len(f) < 400 && bytes.Contains(f[:min(len(f), 80)], again) {
					_, _ = c.Write(frames)
				}
			}))
		})
	}
	rates, err := load.Growth(ctx, l.duration, &sent, &received)
	cancel()
	if err = errors.Join(g.End(), err); err != nil {
		return 0, 0, err
	}
	return rates[0], rates[1], nil
}

// restart is how long the server takes to be ready with the whole log.
func (l *replayLoad) restart(ctx context.Context) ([]figure, error) {
	if err := l.Stop(); err != nil {
		return nil, err
	}
	p, err := proc.Start(ctx, l.Dir, nil, "--cold-after", "off")
	if err != nil {
		return nil, err
	}
	l.Server = p
	return []figure{{Name: "restart until ready with the log", Unit: "ms", Value: p.Started.Seconds() * 1000, Target: 3000,
		AtMost: true}}, nil
}
