package broker

import (
	"errors"
	"sync"
	"sync/atomic"

	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/graph/version"
	"hpfriends/raftfsm"
	"hpfriends/router"
	"hpfriends/wire"
)

// conn is the broker's side of one authenticated connection. Publish, Subscribe, Unsubscribe and Close come from the
// session's reader; Replayed and Missed from the subscriber's writer; count and recheck from the broker's loops.
type conn struct {
	broker     *Broker
	session    *wire.Session
	authkey    graph.AuthkeyID
	user       graph.UserID
	ident      string
	source     *raftfsm.Source
	subscriber *router.Subscriber // of all but durable subscriptions
	limit      int                // bytes of a frame
	published  atomic.Uint64      // messages taken
	allowed    permission         // of the reader goroutine
	watcher    *watcher           // of presence; of the reader goroutine

	subscriptions

	mu      sync.Mutex
	counted entry.Usage // totals at the last count
}

// permission remembers the last channel that was found allowed, and by which graph.
type permission struct {
	version *version.Version
	channel string
}

// check decides by the newest graph whether an authkey may publish on a channel.
func (p *permission) check(b *Broker, authkey graph.AuthkeyID, channel string) error {
	v := b.Node.Version()
	if p.version == v && p.channel == channel {
		return nil
	}
	key, ok := v.Graph.Authkey(authkey)
	if !ok {
		return errRevoked
	}
	err := v.Graph.MayPublish(key, channel)
	if err == nil && !b.mayName(v.Graph, key.Owner, channel) {
		err = errTooManyChannels
	}
	if err == nil {
		*p = permission{v, channel}
	}
	return err
}

// errTooManyChannels is why a channel is refused that is one too many of its user in a day.
var errTooManyChannels = &graph.Error{
	Code: graph.Conflict, Msg: "too many different channels in a day",
	Hint: "publish on those that there are, or ask an admin to raise --max-channels",
}

// Publish implements wire.Conn.
func (c *conn) Publish(channel string, frames []byte, n int) error {
	if err := c.allowed.check(c.broker, c.authkey, channel); err != nil {
		if errors.Is(err, errRevoked) {
			return err
		}
		if errors.Is(err, errTooManyChannels) {
			return &wire.Refused{Reason: wire.ReasonTooManyChannels}
		}
		return &wire.Refused{Reason: wire.ReasonNoPub}
	}
	err := c.broker.Ingest.Publish(c.session.Context(), c.source, channel, frames, n)
	if errors.Is(err, raftfsm.ErrDiskFull) {
		return &wire.Refused{Reason: wire.ReasonNoRoom}
	}
	if err != nil {
		return err
	}
	c.published.Add(uint64(n))
	c.broker.metrics.published(c.ident, channel, n, len(frames))
	return nil
}

// Close implements wire.Conn.
func (c *conn) Close() {
	c.endAll()
	c.count()
	c.broker.Connections.remove(c)
	c.broker.metrics.closed(c.ident, c.broker.handle(c.user))
	c.broker.Logger.Debug("connection ended", "ident", c.ident, "connection", c.session.Number, "remote",
		c.session.Remote(), "published", c.published.Load(), "received", c.received())
}

// refuse makes a row in the Logs of the authkey's owner.
func (c *conn) refuse(channel, message, detail string) {
	c.broker.Recorder.Refuse(entry.Refusal{
		Owner: uint64(c.user), Authkey: uint64(c.authkey), Ident: c.ident, Channel: channel, Message: message,
		Detail: detail, Addr: c.session.Remote().Addr().Unmap().String(),
	})
}

// usedOldSecret tells the owner that somebody has not taken over the new secret.
func (c *conn) usedOldSecret() {
	c.broker.Recorder.Count(entry.Usage{Authkey: uint64(c.authkey), OldSecret: c.broker.Node.Now().UTC()})
	c.refuse("", "Logged in with the old secret of the authkey.", "")
}

// count hands what was done since the last count to the recorder.
func (c *conn) count() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := entry.Usage{
		BytesReceived: c.session.BytesIn(), BytesSent: c.session.BytesOut(),
		Published: c.published.Load(), Received: c.received(),
	}
	d := entry.Usage{
		Authkey:       uint64(c.authkey),
		BytesReceived: now.BytesReceived - c.counted.BytesReceived, BytesSent: now.BytesSent - c.counted.BytesSent,
		Published: now.Published - c.counted.Published, Received: now.Received - c.counted.Received,
	}
	if d.BytesReceived == 0 && d.BytesSent == 0 && d.Published == 0 && d.Received == 0 {
		return
	}
	d.LastSeen, d.LastAddr = c.broker.Node.Now().UTC(), c.session.Remote().Addr().Unmap().String()
	c.counted = now
	c.broker.Recorder.Count(d)
	c.broker.metrics.moved(c.ident, d.BytesReceived, d.BytesSent)
}
