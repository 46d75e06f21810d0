package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync/atomic"

	"hpfriends/api"
	"hpfriends/internal/load"
	"hpfriends/internal/payload"
	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

const (
	crowdChannel = "crowd.capture" // on which everybody publishes
	strangers    = 10              // who share with nobody
	unseenEach   = 1000            // messages of each of them
	seenMessages = 1000            // of the one whom the subscriber receives
)

// gather has a crowd publish on one channel: ten of whom the subscriber sees nothing, and one who is seen, half of it
// among what the others send. Everybody sends one by one, as sensors do, so there are few messages in an entry.
func (l *replayLoad) gather(ctx context.Context) error {
	var keys []load.Key
	for i := range strangers {
		handle := "stranger" + strconv.Itoa(i)
		_, err := api.AddUser.Call(ctx, l.API, api.With[api.NewUser]{Body: api.NewUser{Handle: handle}})
		k := load.KeyOf(handle)
		if err = errors.Join(err, load.AddKey(ctx, l.API.As(handle), k)); err != nil {
			return err
		}
		keys = append(keys, k)
	}
	for range 2 {
		if err := l.oneByOne(ctx, keys, unseenEach/2); err != nil {
			return err
		}
		if err := l.oneByOne(ctx, []load.Key{l.pub}, seenMessages/2); err != nil {
			return err
		}
	}
	return nil
}

// crowd is what a replay of that channel costs.
func (l *replayLoad) crowd(ctx context.Context) ([]figure, error) {
	var all []replayed
	for range 5 {
		r, err := l.replay(ctx, crowdChannel, everything())
		if err == nil && r.messages != seenMessages {
			err = fmt.Errorf("%d messages of %s replayed, %d may be seen", r.messages, crowdChannel, seenMessages)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b replayed) int { return cmp.Compare(a.took, b.took) })
	name := fmt.Sprintf("replay of %d messages among %d of others on the channel", seenMessages, strangers*unseenEach)
	r := all[len(all)/2]
	return []figure{
		{Name: name + ", first frame", Unit: "ms", Value: r.first.Seconds() * 1000, Target: 50, AtMost: true},
		{Name: name, Unit: "1/s", Value: float64(r.messages) / r.took.Seconds(), Target: 200_000},
	}, nil
}

// oneByOne publishes count messages with each key: each when the one before it is durable.
func (l *replayLoad) oneByOne(ctx context.Context, keys []load.Key, count int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g := load.NewCrew(cancel)
	for _, k := range keys {
		c, err := load.Login(ctx, l.Address, k)
		if err != nil {
			return errors.Join(err, g.End())
		}
		g.Run(c, func() error { return publishOneByOne(c, k.Ident, count) })
	}
	g.Wait()
	return g.End()
}

func publishOneByOne(c net.Conn, ident string, count int) error {
	all := payload.Honeypot(64, replaySize)
	sent := 0
	next := func() error {
		_, err := c.Write(wire.AppendPublish(nil, ident, crowdChannel, all[sent%len(all)]))
		sent++
		return err
	}
	if _, err := c.Write(wire.AppendSubscribe(nil, ident, subscription.Acks)); err != nil {
		return err
	}
	var frames atomic.Int64
	failed := next()
	err := load.CountFrames(c, &frames, func(f []byte) {
		_, channel, acked, err := wire.ParsePublish(f)
		switch durable, _ := strconv.Atoi(string(acked)); {
		case err != nil || string(channel) != subscription.Acks:
			failed = fmt.Errorf("instead of an acknowledgement: %.100q", f)
		case durable < sent:
			return
		case durable < count:
			if failed = next(); failed == nil {
				return
			}
		}
		_ = c.Close()
	})
	return errors.Join(failed, err)
}
