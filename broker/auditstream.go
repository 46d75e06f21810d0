package broker

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"time"

	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/query"
	"hpfriends/query/view"
	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

// auditStream is a subscription to $audit: the changes of the graph that its user may see, each a frame with one JSON
// object.
type auditStream struct {
	conn   *conn
	grant  *grant
	reader *query.AuditReader
	start  uint64 // newest entry when it was subscribed to: up to there is history
	until  uint64 // the last entry wanted; 0: no end
	later  time.Time
	sent   uint64 // events
}

// auditStep is how many events are read at a time. One may have 130 kB.
const auditStep = 32

func (c *conn) beginAudit(ctx context.Context, sub *grant) error {
	if sub.Durable != "" {
		return errors.New("bad subscription: $audit has no durable: use positions=1 and from=")
	}
	for _, other := range c.all() {
		if other.Channel == subscription.Audit && other != sub {
			return errors.New("bad subscription: a connection has one $audit: use another connection")
		}
	}
	end, err := c.broker.Connections.beginAudit(c.user)
	if err != nil {
		return err
	}
	a := &auditStream{conn: c, grant: sub, start: c.broker.Events.Applied()}
	after, err := a.after()
	if err == nil {
		err = a.limit()
	}
	if err == nil {
		a.reader, err = c.broker.Query.AuditReader(graph.Actor{User: c.user}, after)
	}
	if err != nil {
		end()
		return err
	}
	c.broker.streams.Go(func() {
		defer end()
		a.run(ctx)
	})
	return nil
}

// after is the log index behind which it begins to read. The audit is kept for ever: there is no floor.
func (a *auditStream) after() (uint64, error) {
	sub := a.grant
	switch {
	case sub.First:
		return 0, nil
	case !sub.Since.IsZero():
		before, err := a.conn.broker.Events.Audit().At(sub.Since.Add(-time.Millisecond))
		return before.Index, err
	case sub.From == eventlog.Position{}:
		return a.start, nil
	case sub.From.Offset > 0: // an event is the first message of its entry
		return sub.From.Index, nil
	}
	return sub.From.Index - 1, nil
}

func (a *auditStream) limit() error {
	sub := a.grant
	switch {
	case sub.Until.After(time.Now()):
		a.later = sub.Until
	case !sub.Until.IsZero():
		last, err := a.conn.broker.Query.LastUpTo(sub.Until.Add(-time.Millisecond))
		a.until = max(last, 1)
		return err
	case sub.End.Offset > 0:
		a.until = sub.End.Index
	case sub.End.Index > 0:
		a.until = max(sub.End.Index-1, 1)
	}
	if sub.NoFollow && (a.until == 0 || a.until > a.start) {
		a.until = max(a.start, 1)
	}
	return nil
}

// run sends events until ctx is done, or until it has reached its end.
func (a *auditStream) run(ctx context.Context) {
	if !a.later.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, a.later)
		defer cancel()
	}
	told := false
	for {
		v := a.conn.broker.Node.Version()
		// A version is there a moment before the change that made it counts as applied.
		if _, err := a.conn.broker.Events.Wait(ctx, v.Index-min(v.Index, 1)); err != nil {
			break
		}
		to := a.conn.broker.Events.Applied()
		if a.until > 0 {
			to = min(to, a.until)
		}
		if err := a.read(ctx, to); err != nil {
			break
		}
		if a.until > 0 && to >= a.until {
			a.finish()
			return
		}
		if !told && to >= a.start {
			told = true
			a.tell(to, true)
		}
		select {
		case <-v.Changed():
		case <-ctx.Done():
		}
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		a.finish()
	}
}

// read sends what there is up to an entry.
func (a *auditStream) read(ctx context.Context, to uint64) error {
	for more := true; more; {
		var events []view.AuditEvent
		var err error
		if events, more, err = a.reader.Read(to, auditStep); err != nil {
			a.conn.broker.Logger.Error("the audit cannot be read", "err", err)
			a.conn.session.Close(errAudit)
			return err
		}
		for i := range events {
			if !a.wanted(&events[i]) {
				continue
			}
			if err := a.send(&events[i]); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// wanted reports whether an event is of the period that was asked for, by its own time. What comes from now on is not
// held against a beginning.
func (a *auditStream) wanted(e *view.AuditEvent) bool {
	p := eventlog.Period{Since: a.grant.Since, Until: a.grant.Until}
	if e.Index > a.start {
		p.Since = time.Time{}
	}
	return p.Holds(e.Time.UnixMilli())
}

func (a *auditStream) send(e *view.AuditEvent) error {
	payload, err := json.Marshal(e)
	if err != nil {
		return err
	}
	form := formOf(a.grant)
	channel := form.AppendChannel(
		nil, a.grant.Text, subscription.Audit, eventlog.Position{Index: e.Index}, e.Time.UnixMilli(),
	)
	frame := wire.AppendPublish(nil, a.conn.ident, string(channel), payload)
	size := len(frame) - len(channel) + form.ChannelSize(a.grant.Text, subscription.Audit)
	if size > a.conn.limit {
		a.conn.tooLarge(subscription.Audit, size)
		if a.grant.Notify {
			a.conn.Omitted(a.grant.Text, eventlog.Position{Index: e.Index}, subscription.Audit, size)
		}
		return nil
	}
	a.sent++
	return a.conn.session.Send(net.Buffers{frame})
}

// finish ends the subscription at its own end. Who is told so may subscribe to the audit again at once.
func (a *auditStream) finish() {
	a.conn.drop(a.grant.Text)
	a.tell(a.conn.broker.Events.Applied(), false)
}

// tell sends the notice that the history is done, to who wants it.
func (a *auditStream) tell(upTo uint64, live bool) {
	if a.until > 0 {
		upTo = min(upTo, a.until)
	}
	if a.grant.Notify || a.conn.granted(subscription.Replay) != nil {
		next := eventlog.Position{Index: upTo + 1}
		a.conn.notice(
			subscription.Notice{Event: "done", Subscription: a.grant.Text, Next: next.String(), Messages: a.sent, Live: live},
		)
	}
}

// errAudit is why a connection ends whose audit cannot be read.
//
//lint:ignore ST1005 it is the text of an ERROR frame, in the style of the others
var errAudit = errors.New("The audit cannot be read; the server's log says why.")
