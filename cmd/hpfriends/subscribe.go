package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/router"
	"hpfriends/wire"
)

// maxSubscriptions bounds what one connection can make the broker look through for each message.
const maxSubscriptions = 1000

// subscriptions are what a connection has subscribed to, by the client's text.
type subscriptions struct {
	ctx context.Context // ends with the connection
	end context.CancelFunc

	subsMu   sync.Mutex
	byText   map[string]*grant
	durables []*durable // those that have ended too
}

func newSubscriptions(parent context.Context) subscriptions {
	ctx, end := context.WithCancel(parent)
	return subscriptions{ctx: ctx, end: end, byText: make(map[string]*grant)}
}

// grant is a request that was granted.
type grant struct {
	request
	needs    string             // the channel or pattern that the authkey must be allowed to subscribe to
	stop     context.CancelFunc // of what runs for it
	receiver *router.Subscriber // of messages; nil for a reserved channel
}

// Subscribe implements wire.Conn.
func (c *conn) Subscribe(text string) error {
	if c.granted(text) != nil {
		return nil
	}
	if len(c.all()) >= maxSubscriptions {
		return &wire.Refused{Reason: wire.ReasonBadQuery, Text: fmt.Sprintf("Too many subscriptions: a connection has at most %d. Use a pattern, or unsubscribe.", maxSubscriptions)}
	}
	r, err := parseRequest(text, time.Now())
	if err != nil {
		return &wire.Refused{Reason: wire.ReasonBadQuery, Text: err.Error()}
	}
	sub := &grant{request: r, needs: r.channel}
	begin := c.beginLog
	switch {
	case r.channel == acksChannel:
		begin = c.beginAcks
	case r.channel == auditChannel:
		begin = c.beginAudit
	case r.channel == replayChannel:
		begin = func(context.Context, *grant) error { return nil } // its being there is enough
	case strings.HasPrefix(r.channel, "$"):
		return &wire.Refused{Reason: wire.ReasonBadQuery, Text: fmt.Sprintf("There is no reserved channel %q: want %s, %s or %s.", shorten(r.channel), acksChannel, auditChannel, replayChannel)}
	case strings.HasSuffix(r.channel, presenceSuffix):
		sub.needs = strings.TrimSuffix(r.channel, presenceSuffix)
		begin = c.beginPresence
	default:
		if _, err := r.pattern(); err != nil {
			return &wire.Refused{Reason: wire.ReasonBadQuery, Text: err.Error()}
		}
	}
	g := c.broker.Node.Graph()
	key, ok := g.Authkey(c.authkey)
	if !ok {
		return errRevoked
	}
	if g.MaySubscribe(key, sub.needs) != nil {
		return &wire.Refused{Reason: wire.ReasonNoSub}
	}
	ctx, stop := context.WithCancel(c.ctx)
	sub.stop = stop
	c.subsMu.Lock()
	c.byText[text] = sub
	c.subsMu.Unlock()
	c.broker.metrics.subscribed(c.ident, sub.channel, +1)
	if err := begin(ctx, sub); err != nil {
		c.drop(text)
		return &wire.Refused{Reason: wire.ReasonBadQuery, Text: err.Error()}
	}
	return nil
}

// plain refuses a query where it means nothing.
func (sub *grant) plain() error {
	if sub.text != sub.channel {
		return fmt.Errorf("bad subscription: %s takes no query", sub.channel)
	}
	return nil
}

// beginLog subscribes to messages.
func (c *conn) beginLog(ctx context.Context, sub *grant) error {
	h, later, err := c.history(sub)
	if err != nil {
		return err
	}
	pattern, err := sub.pattern()
	if err != nil {
		return err
	}
	receive := func(s *router.Subscriber, h router.History) {
		sub.receiver = s
		s.Subscribe(sub.text, pattern, h)
		c.broker.Presence.tell(c, sub.channel, joins)
		if !later.IsZero() {
			timer := time.AfterFunc(time.Until(later), func() {
				if at, err := c.broker.Events.PositionAt(later); err == nil {
					s.End(sub.text, at)
				}
			})
			context.AfterFunc(ctx, func() { timer.Stop() })
		}
	}
	if sub.durable != "" {
		return c.beginDurable(sub, h, receive)
	}
	receive(c.subscriber, h)
	return nil
}

// history is where a subscription begins and ends; later is when it ends if that is still to come.
func (c *conn) history(sub *grant) (h router.History, later time.Time, err error) {
	h.End, h.Positions = sub.noFollow, sub.positions
	c.reach(sub.from)
	if h.From, err = sub.start(c.broker.Events); err != nil {
		return h, later, err
	}
	h.Until, later, err = sub.limit(c.broker.Events, time.Now())
	return h, later, err
}

// comeback is how long a subscription waits for a node that is behind.
const comeback = 5 * time.Second

// reach waits until this node has a place that another node of its cluster may have told the client: a client goes on at any
// node, also at one that has not got as far.
func (c *conn) reach(from eventlog.Position) {
	if from.Index < 2 || c.broker.Node.Members().Advertised() == "" {
		return
	}
	ctx, cancel := context.WithTimeout(c.ctx, comeback)
	defer cancel()
	_, _ = c.broker.Events.Wait(ctx, from.Index-2) // in vain: the place is refused
}

// Unsubscribe implements wire.Conn. A channel without a query stands for all subscriptions to it.
func (c *conn) Unsubscribe(text string) {
	if c.drop(text) {
		return
	}
	for _, sub := range c.all() {
		if sub.channel == text {
			c.drop(sub.text)
		}
	}
}

func (c *conn) granted(text string) *grant {
	c.subsMu.Lock()
	defer c.subsMu.Unlock()
	return c.byText[text]
}

func (c *conn) all() []*grant {
	c.subsMu.Lock()
	defer c.subsMu.Unlock()
	all := make([]*grant, 0, len(c.byText))
	for _, sub := range c.byText {
		all = append(all, sub)
	}
	return all
}

// drop ends a subscription.
func (c *conn) drop(text string) bool {
	c.subsMu.Lock()
	sub, ok := c.byText[text]
	delete(c.byText, text)
	c.subsMu.Unlock()
	if !ok {
		return false
	}
	sub.stop()
	if sub.receiver != nil {
		sub.receiver.Unsubscribe(text)
		c.broker.Presence.tell(c, sub.channel, leaves)
	}
	c.broker.metrics.subscribed(c.ident, sub.channel, -1)
	return true
}

// endAll ends all subscriptions. gone is whether the connection has ended too.
func (c *conn) endAll(gone bool) {
	for _, sub := range c.all() {
		c.drop(sub.text)
	}
	c.end()
	for _, s := range c.receivers() {
		s.Close()
		if gone { // on a connection that goes on under another authkey a slow write may go on too
			s.Wait()
		}
	}
	for _, d := range c.durables {
		d.finish()
	}
}

// receivers are all subscribers to messages that the connection has had.
func (c *conn) receivers() []*router.Subscriber {
	c.subsMu.Lock()
	defer c.subsMu.Unlock()
	all := []*router.Subscriber{c.subscriber}
	for _, d := range c.durables {
		all = append(all, d.subscriber)
	}
	return all
}

// received is the number of messages sent to the connection.
func (c *conn) received() (n uint64) {
	for _, s := range c.receivers() {
		n += s.Received()
	}
	return n
}

func (c *conn) notice(n replayNotice) {
	payload, err := json.Marshal(n)
	if err != nil {
		panic(err) // strings and numbers only
	}
	_ = c.session.Send(net.Buffers{wire.AppendPublish(nil, c.ident, replayChannel, payload)}) // a failure ends the session
}

// Replayed implements router.Sink.
func (c *conn) Replayed(text string, r router.Replayed) {
	sub := c.granted(text)
	if sub != nil && (sub.notify || c.granted(replayChannel) != nil) {
		c.notice(replayNotice{Event: "done", Subscription: text, Next: r.Next.String(), Messages: r.Messages, Live: !r.Ended})
	}
	if r.Ended {
		c.drop(text)
	}
}

// Missed implements router.Sink: who was below the floor is told on the connection and in Logs.
func (c *conn) Missed(text string, from, to eventlog.Position) {
	c.notice(replayNotice{Event: "gap", Subscription: text, From: from.String(), To: to.String()})
	c.refuse(text, "History from "+from.String()+" was no longer kept; the subscription went on at "+to.String()+".")
}

// recheck ends the connection, or its subscriptions, where the graph no longer allows them.
func (c *conn) recheck(g *graph.Graph) {
	key, ok := g.Authkey(c.authkey)
	if !ok || g.MayLogin(key, c.session.Remote().Addr().Unmap(), time.Now()) != nil {
		c.session.Close(errRevoked)
		return
	}
	for _, sub := range c.all() {
		if g.MaySubscribe(key, sub.needs) != nil && c.drop(sub.text) {
			c.broker.Refused(wire.Refusal{Reason: wire.ReasonNoSub, Ident: c.ident, AuthenticatedIdent: c.ident, Channel: sub.channel, Remote: c.session.Remote()})
		}
	}
}
