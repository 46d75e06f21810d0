package broker

import (
	"context"
	"fmt"
	"time"

	"hpfriends/eventlog"
	"hpfriends/router"
	"hpfriends/wire/subscription"
)

// history is where a subscription begins and ends; later is when it ends if that is still to come.
func (c *conn) history(sub *grant) (h router.History, later time.Time, err error) {
	h.End, h.Notify, h.Form = sub.NoFollow, sub.Notify, formOf(sub)
	c.awaitPosition(sub.From)
	if h.From, err = start(&sub.Subscription, c.broker.Events); err != nil {
		return h, later, err
	}
	h.Period = eventlog.Period{Since: sub.Since, Until: sub.Until}
	h.Until, later, err = limit(&sub.Subscription, c.broker.Events, time.Now())
	return h, later, err
}

// formOf is how the frames of a subscription look.
func formOf(sub *grant) router.Form {
	return router.Form{Positions: sub.Positions, Times: sub.Times, Echo: sub.Echo}
}

// positionWait is how long a subscription waits for a node that is behind.
const positionWait = 5 * time.Second

// awaitPosition waits until this node has a place that another node of its cluster may have told the client: a client
// goes on at any node, also at one that has not got as far.
func (c *conn) awaitPosition(from eventlog.Position) {
	if from.Index < 2 || c.broker.Node.Members().Advertised() == "" {
		return
	}
	ctx, cancel := context.WithTimeout(c.ctx, positionWait)
	defer cancel()
	_, _ = c.broker.Events.Wait(ctx, from.Index-2) // in vain: the place is refused
}

// start is where a subscription begins, zero for now. Positions that cannot be served are refused: the client has to
// know that messages are gone, or that the log it knew is another. Of what is gone, the router tells a client that has
// asked to be notified.
func start(r *subscription.Subscription, log *eventlog.Log) (eventlog.Position, error) {
	switch {
	case r.First:
		return eventlog.Position{Index: log.Floor()}, nil
	case !r.Since.IsZero():
		return log.PositionAt(r.Since)
	case r.From == eventlog.Position{}:
		return r.From, nil
	}
	if floor := log.Floor(); r.From.Index < floor && !r.Notify {
		return r.From, fmt.Errorf(
			"bad subscription: position %s is no longer kept, the oldest is %s: subscribe with from=first", r.From,
			eventlog.Position{Index: floor},
		)
	}
	if end := log.Applied() + 1; r.From.Index > end {
		return r.From, fmt.Errorf(
			"bad subscription: position %s does not exist, the log ends before %s", r.From, eventlog.Position{Index: end},
		)
	}
	return r.From, nil
}

// limit is where it ends, zero for never. A time that is still to come has no position yet: later says so.
func limit(
	r *subscription.Subscription, log *eventlog.Log, now time.Time,
) (end eventlog.Position, later time.Time, err error) {
	if r.Until.After(now) {
		return r.End, r.Until, nil
	}
	if r.Until.IsZero() {
		return r.End, time.Time{}, nil
	}
	end, err = log.EndAt(r.Until)
	return end, time.Time{}, err
}
