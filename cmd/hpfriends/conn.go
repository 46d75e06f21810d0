package main

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/raftfsm"
	"hpfriends/router"
	"hpfriends/wire"
)

// acksChannel is the reserved channel on which a publisher learns how many of its messages are durable.
const acksChannel = "$acks"

// acksEvery is how often, at most, the count is sent while it grows.
const acksEvery = 50 * time.Millisecond

// conn is the broker's side of one authenticated connection. Publish, Subscribe, Unsubscribe and Close come from the
// session's reader; Send and Skipped from the subscriber's writer; count and recheck from the broker's loops.
type conn struct {
	broker     *broker
	session    *wire.Session
	authkey    graph.AuthkeyID
	user       graph.UserID
	ident      string
	source     *raftfsm.Source
	subscriber *router.Subscriber
	published  atomic.Uint64 // messages taken
	allowed    permission    // of the reader goroutine

	acks     context.Context
	stopAcks context.CancelFunc
	acking   bool // of the reader goroutine

	mu      sync.Mutex
	counted eventlog.Usage // totals at the last count
}

// permission remembers the last channel that was found allowed, and by which graph.
type permission struct {
	version *graph.Version
	channel string
}

// Publish implements wire.Conn.
func (c *conn) Publish(channel string, frames []byte, n int) error {
	v := c.broker.node.Version()
	if c.allowed.version != v || c.allowed.channel != channel {
		key, ok := v.Graph.Authkey(c.authkey)
		if !ok {
			return errRevoked
		}
		if err := v.Graph.MayPublish(key, channel); err != nil {
			return &wire.Refused{Reason: wire.ReasonNoPub}
		}
		c.allowed = permission{v, channel}
	}
	err := c.broker.ingest.Publish(c.session.Context(), c.source, channel, frames, n)
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

// Subscribe implements wire.Conn.
func (c *conn) Subscribe(channel string) error {
	if channel == acksChannel {
		if !c.acking {
			c.acking = true
			go c.sendAcks()
		}
		return nil
	}
	if strings.HasPrefix(channel, "$") || strings.Contains(channel, "?") {
		return &wire.Refused{Reason: wire.ReasonNoSub, Text: "Reserved channels and history queries are not served by this release: subscribe to a channel, or to a prefix followed by *."}
	}
	p, err := graph.ParsePattern(channel)
	if err != nil {
		return &wire.Refused{Reason: wire.ReasonNoSub, Text: err.Error()}
	}
	g := c.broker.node.Graph()
	key, ok := g.Authkey(c.authkey)
	if !ok {
		return errRevoked
	}
	if err := g.MaySubscribe(key, channel); err != nil {
		return &wire.Refused{Reason: wire.ReasonNoSub}
	}
	c.subscriber.Subscribe(p)
	c.broker.metrics.subscribed(c.ident, channel, +1)
	return nil
}

// Unsubscribe implements wire.Conn.
func (c *conn) Unsubscribe(channel string) {
	if channel == acksChannel {
		c.stopAcks()
		return
	}
	c.subscriber.Unsubscribe(graph.Pattern(channel))
	c.broker.metrics.subscribed(c.ident, channel, -1)
}

// Close implements wire.Conn.
func (c *conn) Close() {
	c.stopAcks()
	for _, p := range c.subscriber.Subscriptions() {
		c.broker.metrics.subscribed(c.ident, string(p), -1)
	}
	c.subscriber.Close()
	if c.session.Context().Err() != nil { // on a connection that goes on under another authkey a slow write may go on too
		c.subscriber.Wait()
	}
	c.count()
	c.broker.mu.Lock()
	delete(c.broker.conns, c)
	c.broker.mu.Unlock()
	c.broker.metrics.closed(c.ident, c.broker.handle(c.user))
}

// Send implements router.Sink.
func (c *conn) Send(frames net.Buffers) error { return c.session.Send(frames) }

// Skipped implements router.Sink.
func (c *conn) Skipped(channel string, size int) {
	c.broker.recorder.Refuse(eventlog.Refusal{
		Owner: uint64(c.user), Authkey: uint64(c.authkey), Ident: c.ident, Channel: channel,
		Message: "Message of " + strconv.Itoa(size) + " bytes was not delivered: larger than the authkey's max_message.",
		Addr:    c.session.Remote().Addr().Unmap().String(),
	})
}

// sendAcks tells the publisher its count of durable messages while it grows.
func (c *conn) sendAcks() {
	var sent uint64
	for {
		n, grown := c.source.Progress()
		if n == sent {
			select {
			case <-grown:
				continue
			case <-c.acks.Done():
				return
			}
		}
		frame := wire.AppendPublish(nil, c.ident, acksChannel, strconv.AppendUint(nil, n, 10))
		if c.session.Send(net.Buffers{frame}) != nil {
			return
		}
		sent = n
		select {
		case <-time.After(acksEvery):
		case <-c.acks.Done():
			return
		}
	}
}

// count hands what was done since the last count to the recorder.
func (c *conn) count() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := eventlog.Usage{
		BytesReceived: c.session.BytesIn(), BytesSent: c.session.BytesOut(),
		Published: c.published.Load(), Received: c.subscriber.Received(),
	}
	d := eventlog.Usage{
		Authkey:       uint64(c.authkey),
		BytesReceived: now.BytesReceived - c.counted.BytesReceived, BytesSent: now.BytesSent - c.counted.BytesSent,
		Published: now.Published - c.counted.Published, Received: now.Received - c.counted.Received,
	}
	if d.BytesReceived == 0 && d.BytesSent == 0 && d.Published == 0 && d.Received == 0 {
		return
	}
	d.LastSeen, d.LastAddr = time.Now().UTC(), c.session.Remote().Addr().Unmap().String()
	c.counted = now
	c.broker.recorder.Count(d)
	c.broker.metrics.moved(c.ident, d.BytesReceived, d.BytesSent)
}

// recheck ends the connection, or its subscriptions, where the graph no longer allows them.
func (c *conn) recheck(g *graph.Graph) {
	key, ok := g.Authkey(c.authkey)
	if !ok || g.MayLogin(key, c.session.Remote().Addr().Unmap(), time.Now()) != nil {
		c.session.Close(errRevoked)
		return
	}
	for _, p := range c.subscriber.Subscriptions() {
		if g.MaySubscribe(key, string(p)) != nil {
			c.subscriber.Unsubscribe(p)
			c.broker.metrics.subscribed(c.ident, string(p), -1)
			c.broker.Refused(wire.Refusal{Reason: wire.ReasonNoSub, Ident: c.ident, AuthenticatedIdent: c.ident, Channel: string(p), Remote: c.session.Remote()})
		}
	}
}
