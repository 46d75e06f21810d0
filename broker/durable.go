package broker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"hpfriends/eventlog"
	"hpfriends/raftfsm"
	"hpfriends/router"
)

// durable is a subscription whose progress the log remembers. It is a stream of its own beside the connection's others,
// so that what was sent for it is known exactly; and it is followed until the connection ends, also when the client has
// unsubscribed, since what was sent may still be acknowledged.
//
// Its cursor has two places. Everything before acked was acknowledged by the peer's TCP, but may lie unread in the
// peer's kernel, or in its program's own buffer, when that is killed. Everything before safe was handled by the peer's
// program: more than its kernel can hold was acknowledged after it; or the peer ended the connection with nothing
// unread, and the program had had handleTime for what it read last. The next subscription begins at safe.
type durable struct {
	conn       *conn
	text       string
	cursor     eventlog.Cursor // as claimed
	subscriber *router.Subscriber

	deliveries *raftfsm.Deliveries

	mu   sync.Mutex
	seen []sample // of what was acknowledged, in the last handleTime and one before
	step uint64   // most that was acknowledged between two looks
}

// sample is how much the peer had acknowledged at a time.
type sample struct {
	at    time.Time
	bytes uint64
}

const (
	durableEvery = 250 * time.Millisecond
	claimTimeout = 10 * time.Second
	handleTime   = 5 * time.Second // in which a program handles what it has read
)

// beginDurable claims the cursor and subscribes from where it is.
func (c *conn) beginDurable(sub *grant, h router.History, receive func(s *router.Subscriber, h router.History)) error {
	if _, ok := c.session.Acknowledged(); !ok {
		return errors.New(
			"bad subscription: durable needs a TCP connection that can be asked what was acknowledged, which the server's " +
				"system cannot do here: use positions=1 and from=",
		)
	}
	if len(c.receivers()) > maxSubscriptions { // they are followed until the connection ends
		return errors.New("bad subscription: this connection has had too many durable ones: use another connection")
	}
	start := h.From
	if start == (eventlog.Position{}) {
		start = eventlog.Position{Index: c.broker.Events.Applied() + 1}
	}
	if err := c.broker.asked.claim(c.ctx, c.user); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx, claimTimeout)
	defer cancel()
	cursor, err := c.broker.Cursors.Claim(ctx, uint64(c.authkey), sub.Durable, sub.Text, start)
	if err != nil {
		return err
	}
	d := &durable{conn: c, text: sub.Text, cursor: cursor}
	acked, _ := c.session.Acknowledged()
	d.seen = []sample{{time.Now(), acked}}
	d.deliveries = raftfsm.NewDeliveries(c.session.Sent(), cursor.Safe)
	d.subscriber = c.broker.Router.Join(router.Peer{Conn: c.session, Events: c, Sent: d.sent}, c.user, c.limit)
	if floor := (eventlog.Position{Index: c.broker.Events.Floor()}); cursor.Safe.Compare(floor) < 0 {
		c.Missed(sub.Text, cursor.Safe, floor)
		cursor.Safe = floor
	}
	if h.From = cursor.Safe; h.From != start {
		h.Period.Since = time.Time{} // it goes on where it was
	}
	c.subsMu.Lock()
	c.durables = append(c.durables, d)
	c.subsMu.Unlock()
	receive(d.subscriber, h)
	c.broker.streams.Go(d.follow)
	return nil
}

// sent notes that everything before next has been handed to the kernel.
func (d *durable) sent(next eventlog.Position) { d.deliveries.Sent(d.conn.session.Sent(), next) }

// sample takes in what the peer has acknowledged. finished says that the peer has ended with nothing
// unread.
func (d *durable) sample(finished bool) (acked, safe eventlog.Position) {
	bytes, _ := d.conn.session.Acknowledged()
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if last := d.seen[len(d.seen)-1]; bytes > last.bytes {
		d.step = max(d.step, bytes-last.bytes)
	}
	d.seen = append(d.seen, sample{now, bytes})
	for len(d.seen) > 1 && now.Sub(d.seen[1].at) >= handleTime {
		d.seen = d.seen[1:]
	}
	unread := unreadBound(d.step)
	if finished {
		unread = min(unread, bytes-d.seen[0].bytes)
	}
	return d.deliveries.Acknowledged(bytes, unread)
}

const (
	minUnread = 1 << 20
	maxUnread = 32 << 20
)

// unreadBound is how many acknowledged bytes the peer's program may not have handled, when at most step were
// acknowledged between two looks. A kernel's receive buffer begins small, and grows to a few times what the program
// reads within a round trip, which is shorter than the time of four looks; Linux stops at 6 MiB, since 6.16 at 32 MiB
// (tcp_rmem). What the peer offers as its window says less: while the buffer is full, it is small.
func unreadBound(step uint64) uint64 { return min(minUnread+16*step, maxUnread) }

// follow moves the cursor while the connection lives, and ends the connection when another one has claimed the cursor.
func (d *durable) follow() {
	c := d.conn
	tick := time.NewTicker(durableEvery)
	defer tick.Stop()
	ended := c.broker.Cursors.Ended(d.cursor.Authkey, d.cursor.Name, d.cursor.Epoch)
	for {
		select {
		case <-tick.C:
			if next, idle := d.subscriber.Idle(); idle {
				d.deliveries.Sent(c.session.Sent(), next) // nothing was for it up to there
			}
			acked, safe := d.sample(false)
			c.broker.Cursors.Advance(d.cursor.Authkey, d.cursor.Name, d.cursor.Epoch, acked, safe)
		case <-ended:
			if c.granted(d.text) != nil && c.owns(d) {
				c.session.Close(takenOver(d.cursor.Name))
			}
			return
		case <-c.ctx.Done():
			return
		}
	}
}

// finish is for the end of the connection.
func (d *durable) finish() {
	acked, safe := d.sample(d.conn.session.PeerFinished())
	d.conn.broker.Cursors.Finish(d.cursor.Authkey, d.cursor.Name, d.cursor.Epoch, acked, safe)
}

// owns reports whether d is the newest of its name on the connection: a client that subscribes again claims from
// itself.
func (c *conn) owns(d *durable) bool {
	c.subsMu.Lock()
	defer c.subsMu.Unlock()
	for _, other := range c.durables {
		if other.cursor.Name == d.cursor.Name && other.cursor.Epoch > d.cursor.Epoch {
			return false
		}
	}
	return true
}

// takenOver is why a connection ends whose durable subscription is now another's.
func takenOver(name string) error {
	//lint:ignore ST1005 it is the text of an ERROR frame, in the style of the others
	return fmt.Errorf("Durable subscription %s was taken over by another connection, reset or removed.", name)
}
