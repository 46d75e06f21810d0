package broker

import (
	"context"
	"net"
	"strconv"
	"time"

	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

func (c *conn) beginAcks(ctx context.Context, sub *grant) error {
	if err := sub.plain(); err != nil {
		return err
	}
	c.broker.streams.Go(func() { c.sendAcks(ctx) })
	return nil
}

// sendAcks tells the publisher its count of durable messages: at once, since hpfeeds has no other sign that a login was
// accepted, and then while the count grows.
func (c *conn) sendAcks(ctx context.Context) {
	told, grown := c.source.Progress()
	if c.sendAck(told) != nil {
		return
	}
	for {
		select {
		case <-grown:
		case <-ctx.Done():
			return
		}
		var n uint64
		if n, grown = c.source.Progress(); n == told {
			continue
		}
		if c.sendAck(n) != nil {
			return
		}
		told = n
		select {
		case <-time.After(subscription.AcksEvery):
		case <-ctx.Done():
			return
		}
	}
}

func (c *conn) sendAck(n uint64) error {
	frame := wire.AppendPublish(nil, c.ident, subscription.Acks, strconv.AppendUint(nil, n, 10))
	return c.session.Send(net.Buffers{frame})
}
