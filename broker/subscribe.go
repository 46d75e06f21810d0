package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/router"
	"hpfriends/wire"
	"hpfriends/wire/subscription"
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
	subscription.Subscription
	needs    string             // the channel or pattern that the authkey must be allowed to subscribe to
	stop     context.CancelFunc // of what runs for it
	receiver *router.Subscriber // of messages; nil for a reserved channel
	watcher  *watcher           // of presence; nil for all else
}

// Subscribe implements wire.Conn.
func (c *conn) Subscribe(text string) error {
	if err := c.broker.asked.change(c.session.Context(), c.user); err != nil {
		return err
	}
	if err := c.broker.Calls.Presence.awaitRoom(c.session.Context(), c.user); err != nil {
		return err
	}
	if c.granted(text) != nil {
		return nil
	}
	if c.subscribed() >= maxSubscriptions {
		return &wire.Refused{
			Reason: wire.ReasonBadQuery,
			Text: fmt.Sprintf(
				"Too many subscriptions: a connection has at most %d. Use a pattern, or unsubscribe.", maxSubscriptions,
			),
		}
	}
	r, err := subscription.Parse(text, time.Now())
	if err != nil {
		return badQuery(err)
	}
	reserved, err := r.Reserved()
	if err == nil {
		err = r.Fits()
	}
	if err != nil {
		return badQuery(err)
	}
	sub := &grant{Subscription: r, needs: r.Channel}
	begin := c.beginLog
	switch reserved {
	case subscription.Acks:
		begin = c.beginAcks
	case subscription.Audit:
		begin = c.beginAudit
	case subscription.Replay:
		begin = func(context.Context, *grant) error { return nil } // its being there is enough
	case subscription.PresenceSuffix:
		sub.needs = strings.TrimSuffix(r.Channel, subscription.PresenceSuffix)
		begin = c.beginPresence
	default:
		if _, err := r.Pattern(); err != nil {
			return badQuery(err)
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
	if err := c.broker.asked.begin(c.user); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(c.ctx)
	sub.stop = stop
	c.subsMu.Lock()
	c.byText[text] = sub
	c.subsMu.Unlock()
	c.broker.metrics.subscribed(c.ident, sub.Channel, +1)
	if err := begin(ctx, sub); err != nil {
		c.drop(text)
		return badQuery(err)
	}
	return nil
}

func badQuery(err error) error {
	return &wire.Refused{Reason: wire.ReasonBadQuery, Text: err.Error()}
}

// plain refuses a query where it means nothing.
func (sub *grant) plain() error {
	if sub.Text != sub.Channel {
		return fmt.Errorf("bad subscription: %s takes no query", sub.Channel)
	}
	return nil
}

// beginLog subscribes to messages.
func (c *conn) beginLog(ctx context.Context, sub *grant) error {
	h, later, err := c.history(sub)
	if err != nil {
		return err
	}
	pattern, err := sub.Pattern()
	if err != nil {
		return err
	}
	receive := func(s *router.Subscriber, h router.History) {
		sub.receiver = s
		s.Subscribe(sub.Text, pattern, h)
		c.broker.Calls.Presence.notify(c, sub.Channel, joins)
		if !later.IsZero() {
			timer := time.AfterFunc(time.Until(later), func() {
				if at, err := c.broker.Events.EndAt(later); err == nil {
					s.End(sub.Text, at)
				}
			})
			context.AfterFunc(ctx, func() { timer.Stop() })
		}
	}
	if sub.Durable != "" {
		return c.beginDurable(sub, h, receive)
	}
	receive(c.subscriber, h)
	return nil
}

// Unsubscribe implements wire.Conn. A channel without a query stands for all subscriptions to it.
func (c *conn) Unsubscribe(text string) {
	if c.broker.asked.change(c.session.Context(), c.user) != nil || c.drop(text) {
		return
	}
	for _, sub := range c.all() {
		if sub.Channel == text {
			c.drop(sub.Text)
		}
	}
}

func (c *conn) granted(text string) *grant {
	c.subsMu.Lock()
	defer c.subsMu.Unlock()
	return c.byText[text]
}

func (c *conn) subscribed() int {
	c.subsMu.Lock()
	defer c.subsMu.Unlock()
	return len(c.byText)
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
	c.broker.asked.end(c.user)
	if sub.watcher != nil {
		c.broker.Calls.Presence.watches.remove(sub.watcher, sub.needs)
	}
	if sub.receiver != nil {
		sub.receiver.Unsubscribe(text)
		c.broker.Calls.Presence.notify(c, sub.Channel, leaves)
	}
	c.broker.metrics.subscribed(c.ident, sub.Channel, -1)
	return true
}

// unreadTimeout is how long a peer that logs in anew may leave unread what was being written to it.
const unreadTimeout = time.Minute

// endAll ends all subscriptions.
func (c *conn) endAll() {
	for _, sub := range c.all() {
		c.drop(sub.Text)
	}
	c.end()
	// What the peer does not read holds up its new login only, and not for ever.
	defer time.AfterFunc(unreadTimeout, func() { c.session.Close(nil) }).Stop()
	for _, s := range c.receivers() {
		s.Close()
		s.Wait()
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

func (c *conn) notice(n subscription.Notice) {
	payload, err := json.Marshal(n)
	if err != nil {
		panic(err) // strings and numbers only
	}
	_ = c.session.Send(
		net.Buffers{wire.AppendPublish(nil, c.ident, subscription.Replay, payload)},
	) // a failure ends the session
}

// Replayed implements router.Events. Who is told that a subscription has ended may subscribe to the same at once.
func (c *conn) Replayed(text string, r router.Replayed) {
	sub := c.granted(text)
	if r.Ended {
		c.drop(text)
	}
	if sub != nil && (sub.Notify || c.granted(subscription.Replay) != nil) {
		c.notice(
			subscription.Notice{Event: "done", Subscription: text, Next: r.Next.String(), Messages: r.Messages, Live: !r.Ended},
		)
	}
}

// Missed implements router.Events: who was below the floor is told on the connection and in Logs.
func (c *conn) Missed(text string, from, to eventlog.Position) {
	c.notice(subscription.Notice{Event: "gap", Subscription: text, From: from.String(), To: to.String()})
	c.refuse(text, "History was no longer kept.", "From "+from.String()+"; the subscription went on at "+to.String()+".")
}

// Failed implements router.Events: the session ends with a text. A client that was only not sent anything more would
// wait for ever.
func (c *conn) Failed(at eventlog.Position, err error) {
	if errors.Is(err, eventlog.ErrClosed) {
		return // the node is stopping, and ends its sessions itself
	}
	c.broker.Logger.Error("the log cannot be read for a subscriber: run `hpfriends check`", "ident", c.ident,
		"connection", c.session.Number, "remote", c.session.Remote(), "at", at.String(), "err", err)
	c.broker.metrics.refused(c.ident, "log-unreadable")
	c.session.Close(errLogUnreadable)
}

// errLogUnreadable is why a session is closed whose messages cannot be read.
//
//lint:ignore ST1005 it is the text of an ERROR frame, in the style of the others
var errLogUnreadable = errors.New("This node cannot read its log. Try again later, or another node.")

// Omitted implements router.Events.
func (c *conn) Omitted(text string, at eventlog.Position, channel string, size int) {
	c.notice(
		subscription.Notice{
			Event: "skipped", Subscription: text, Position: at.String(), Channel: channel, Size: size, Limit: c.limit,
		},
	)
}

// recheck ends the connection, or its subscriptions, where the graph no longer allows them, and tells the client: it
// would wait for ever otherwise.
func (c *conn) recheck(g *graph.Graph) {
	key, ok := g.Authkey(c.authkey)
	if !ok || g.MayLogin(key, c.session.Remote().Addr().Unmap(), c.broker.Node.Now()) != nil {
		c.session.Close(errRevoked)
		return
	}
	for _, sub := range c.all() {
		if g.MaySubscribe(key, sub.needs) != nil && c.drop(sub.Text) {
			c.session.Refuse(wire.Refusal{Reason: wire.ReasonNoSub, Ident: c.ident, Channel: sub.Text})
		}
	}
}
