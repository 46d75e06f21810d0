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

// sendAcks tells the publisher its count of durable messages while it grows.
func (c *conn) sendAcks(ctx context.Context) {
	var sent uint64
	for {
		n, grown := c.source.Progress()
		if n == sent {
			select {
			case <-grown:
				continue
			case <-ctx.Done():
				return
			}
		}
		frame := wire.AppendPublish(nil, c.ident, subscription.Acks, strconv.AppendUint(nil, n, 10))
		if c.session.Send(net.Buffers{frame}) != nil {
			return
		}
		sent = n
		select {
		case <-time.After(subscription.AcksEvery):
		case <-ctx.Done():
			return
		}
	}
}
