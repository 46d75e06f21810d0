package replay

import (
	"cmp"
	"context"
	"errors"
	"io"
	"time"

	"golang.org/x/time/rate"

	"hpfriends/query"
	"hpfriends/query/view"
)

// count finds out how much there is to do, and whether all of it may be published: a replay does not begin with what it
// cannot end. Payloads are read only if it depends on them.
func (r *Replays) count(ctx context.Context, j *job) error {
	if len(j.order.Filter.Contains) > 0 {
		return r.countContaining(ctx, j)
	}
	c, err := r.Query.CountOn(ctx, j.actor, j.order.Filter, r.may(j))
	j.set(func(v *view.Replay) { v.Total, v.First, v.Last, v.Gap = c.Messages, c.First, c.Last, c.Gap })
	return err
}

// may decides whether a message of a channel may be published.
func (r *Replays) may(j *job) func(channel string) error {
	g, known := r.Query.Graph(), make(map[string]bool)
	key, _ := g.Authkey(j.authkey)
	return func(channel string) error {
		if j.order.To != "" || known[channel] {
			return nil
		}
		known[channel] = true
		return g.MayPublish(key, channel)
	}
}

func (r *Replays) countContaining(ctx context.Context, j *job) error {
	messages, may := r.Query.Messages(j.actor, j.order.Filter), r.may(j)
	var first, last *time.Time
	for {
		m, err := messages.Next(ctx)
		var gap *query.Gap
		switch {
		case errors.As(err, &gap):
			j.set(func(v *view.Replay) { v.Gap = true })
		case err == nil:
			if err := may(m.Channel); err != nil {
				return err
			}
			if last = &m.Time; first == nil {
				first = last
			}
		default:
			if errors.Is(err, io.EOF) {
				err = nil
			}
			j.set(func(v *view.Replay) { v.Total, v.First, v.Last = messages.Read(), first, last })
			return err
		}
	}
}

// tellEvery is how often a replay says how far it is.
const tellEvery = 200 * time.Millisecond

// publish reads the messages and publishes each when it is due.
func (r *Replays) publish(ctx context.Context, j *job) error {
	out, err := r.Open(j.authkey, j.actor.From)
	if err != nil {
		return err
	}
	limit := rate.NewLimiter(rate.Limit(cmp.Or(j.order.Rate, MaxRate)), 1)
	told := time.Now()
	tell := func() {
		told = time.Now()
		j.set(func(v *view.Replay) { v.Published = out.Committed() })
	}
	messages := r.Query.Messages(j.actor, j.order.Filter)
	for err == nil {
		var m query.Message
		m, err = messages.Next(ctx)
		var gap *query.Gap
		if errors.As(err, &gap) {
			j.set(func(v *view.Replay) { v.Gap = true })
			err = nil
			continue
		}
		if err == nil {
			err = r.send(ctx, j, out, limit, m)
		}
		if time.Since(told) >= tellEvery {
			tell()
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	// What was taken is told of, also of a replay that was stopped.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	err = errors.Join(err, out.Flush(last))
	tell()
	return err
}

// flushTimeout bounds how long a replay that was stopped waits for what it has published.
const flushTimeout = 5 * time.Second

// send publishes one message when it is due.
func (r *Replays) send(ctx context.Context, j *job, out Outlet, limit *rate.Limiter, m query.Message) error {
	if d := j.pace.Left(m.Time); d > 0 {
		if err := out.Flush(ctx); err != nil {
			return err
		}
		j.set(func(v *view.Replay) { v.Published = out.Committed() })
		if err := r.sleep(ctx, d); err != nil {
			return err
		}
	}
	if err := limit.Wait(ctx); err != nil {
		return err
	}
	return out.Publish(ctx, cmp.Or(j.order.To, m.Channel), m.Payload)
}
