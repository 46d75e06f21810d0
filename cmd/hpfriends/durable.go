package main

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"hpfriends/eventlog"
	"hpfriends/router"
)

// durable is a subscription whose progress the log remembers. It is a stream of its own beside the connection's others, so
// that what was sent for it is known exactly; and it is followed until the connection ends, also when the client has
// unsubscribed, since what was sent may still be acknowledged.
//
// Its cursor has two places. Everything before acked was acknowledged by the peer's TCP, but may lie unread in the
// peer's kernel, or in its program's own buffer, when that is killed. Everything before safe was handled by the peer's
// program: more than its kernel can hold was acknowledged after it; or the peer ended the connection with nothing unread, and
// the program had had handleTime for what it read last. The next subscription begins at safe.
type durable struct {
	conn       *conn
	text       string
	cursor     eventlog.Cursor // as claimed
	subscriber *router.Subscriber

	mu          sync.Mutex
	marks       []mark // what was sent and is not safe yet, oldest first
	acked, safe eventlog.Position
}

// mark says that everything before next was among the first sent bytes of the connection.
type mark struct {
	sent  uint64
	next  eventlog.Position
	acked time.Time // when that was first seen acknowledged; zero: not yet
}

const (
	durableEvery = 250 * time.Millisecond
	claimTimeout = 10 * time.Second
	handleTime   = 5 * time.Second // in which a program handles what it has read
	markBytes    = 32 << 10        // marks closer than this are one
)

// beginDurable claims the cursor and subscribes from where it is.
func (c *conn) beginDurable(sub *grant, h router.History, receive func(s *router.Subscriber, h router.History)) error {
	if _, ok := c.session.Acknowledged(); !ok {
		return errors.New("bad subscription: durable needs a TCP connection that can be asked what was acknowledged, which the server's system cannot do here: use positions=1 and from=")
	}
	start := h.From
	if start == (eventlog.Position{}) {
		start = eventlog.Position{Index: c.broker.events.Applied() + 1}
	}
	ctx, cancel := context.WithTimeout(c.ctx, claimTimeout)
	defer cancel()
	cursor, err := c.broker.cursors.Claim(ctx, uint64(c.authkey), sub.durable, sub.text, start)
	if err != nil {
		return err
	}
	d := &durable{conn: c, text: sub.text, cursor: cursor, acked: cursor.Safe, safe: cursor.Safe}
	d.subscriber = c.broker.router.Join(d, c.user, c.limit)
	if floor := (eventlog.Position{Index: c.broker.events.Floor()}); cursor.Safe.Compare(floor) < 0 {
		c.Missed(sub.text, cursor.Safe, floor)
		cursor.Safe = floor
	}
	h.From = cursor.Safe
	c.subsMu.Lock()
	c.durables = append(c.durables, d)
	c.subsMu.Unlock()
	receive(d.subscriber, h)
	go d.follow()
	return nil
}

// Send implements router.Sink.
func (d *durable) Send(frames net.Buffers, next eventlog.Position) error {
	if err := d.conn.session.Send(frames); err != nil {
		return err
	}
	d.note(next)
	return nil
}

// Skipped implements router.Sink.
func (d *durable) Skipped(channel string, size int) { d.conn.Skipped(channel, size) }

// Replayed implements router.Sink.
func (d *durable) Replayed(text string, r router.Replayed) { d.conn.Replayed(text, r) }

// Missed implements router.Sink.
func (d *durable) Missed(text string, from, to eventlog.Position) { d.conn.Missed(text, from, to) }

// note records that everything before next has been handed to the kernel.
func (d *durable) note(next eventlog.Position) {
	sent := d.conn.session.Sent()
	_, _ = d.conn.session.Acknowledged() // Unread needs to see the window often: when the peer reads no more, it is small
	d.mu.Lock()
	defer d.mu.Unlock()
	m := mark{sent: sent, next: next}
	if n := len(d.marks); n > 1 && sent-d.marks[n-2].sent < markBytes {
		d.marks[n-1] = m
	} else {
		d.marks = append(d.marks, m)
	}
}

// look takes in what the peer has acknowledged. finished is whether the peer has ended with nothing unread.
func (d *durable) look(finished bool) (acked, safe eventlog.Position) {
	bytes, _ := d.conn.session.Acknowledged()
	unread, now := d.conn.session.Unread(), time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	done := 0
	for i := range d.marks {
		m := &d.marks[i]
		if m.sent > bytes {
			break
		}
		if m.acked.IsZero() {
			m.acked = now
		}
		d.acked = later(d.acked, m.next)
		if m.sent+unread <= bytes || finished && now.Sub(m.acked) >= handleTime {
			d.safe = later(d.safe, m.next)
			done++
		}
	}
	d.marks = d.marks[done:]
	return d.acked, d.safe
}

func later(a, b eventlog.Position) eventlog.Position {
	if a.Compare(b) < 0 {
		return b
	}
	return a
}

// follow moves the cursor while the connection lives, and ends the connection when another one has claimed the cursor.
func (d *durable) follow() {
	c := d.conn
	tick := time.NewTicker(durableEvery)
	defer tick.Stop()
	ended := c.broker.cursors.Ended(d.cursor.Authkey, d.cursor.Name, d.cursor.Epoch)
	for {
		select {
		case <-tick.C:
			if next, idle := d.subscriber.Idle(); idle {
				d.note(next) // nothing was for it up to there
			}
			acked, safe := d.look(false)
			c.broker.cursors.Advance(d.cursor.Authkey, d.cursor.Name, d.cursor.Epoch, acked, safe)
		case <-ended:
			if c.granted(d.text) != nil && c.owns(d) {
				c.session.Close(errTakenOver)
			}
			return
		case <-c.ctx.Done():
			return
		}
	}
}

// finish is for the end of the connection.
func (d *durable) finish() {
	acked, safe := d.look(d.conn.session.PeerFinished())
	d.conn.broker.cursors.Finish(d.cursor.Authkey, d.cursor.Name, d.cursor.Epoch, acked, safe)
}

// owns is whether d is the newest of its name on the connection: a client that subscribes again claims from itself.
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

// errTakenOver is why a connection ends whose durable subscription is now another's.
//
//lint:ignore ST1005 it is the text of an ERROR frame, in the style of the others
var errTakenOver = errors.New("This durable subscription was taken over by another connection, reset or removed.")
