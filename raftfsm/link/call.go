package link

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// connsPerPeer is how many call connections to one member are opened: a large request holds up at most its own.
const connsPerPeer = 3

// Backoff after failed dials: calls fail at once until it is over.
const (
	firstBackoff = 50 * time.Millisecond
	maxBackoff   = 2 * time.Second
)

// callers are the members this node calls.
type callers struct {
	mu    sync.Mutex
	peers map[string]*caller
}

// caller holds the connections to one member.
type caller struct {
	port  *Port
	id    string
	slots chan struct{} // one for each call under way

	mu      sync.Mutex
	conns   []*callConn
	dialing chan struct{} // closed when the dial under way is over; nil: none is
	backoff time.Duration
	retry   time.Time
	last    error // of the newest dial
}

func (p *Port) caller(id string) *caller {
	p.calls.mu.Lock()
	defer p.calls.mu.Unlock()
	if p.calls.peers == nil {
		p.calls.peers = make(map[string]*caller)
	}
	c := p.calls.peers[id]
	if c == nil {
		c = &caller{port: p, id: id, slots: make(chan struct{}, maxCalls)}
		p.calls.peers[id] = c
	}
	return c
}

// Call asks a member, and waits for its answer or the end of ctx. The error wraps ErrNotDone or ErrUnknownOutcome, or
// is the handler's own *Failure. The request must not change afterwards: one that is given up may still be on its way.
func (p *Port) Call(ctx context.Context, peer string, method byte, req []byte) ([]byte, error) {
	if len(req) > MaxRequest {
		return nil, fmt.Errorf("%w: the request has %d bytes, at most %d", ErrNotDone, len(req), MaxRequest)
	}
	if _, ok := p.member(peer); !ok {
		return nil, fmt.Errorf("%w: %w: node %.80q", ErrNotDone, ErrNotMember, peer)
	}
	c := p.caller(peer)
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %d calls to node %s are under way: %w", ErrNotDone, maxCalls, peer, ctx.Err())
	case <-p.life.ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrNotDone, ErrClosed)
	}
	conn, err := c.conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotDone, err)
	}
	return conn.call(ctx, method, req)
}

// conn returns the least busy connection, and sees to it that there are enough.
func (c *caller) conn(ctx context.Context) (*callConn, error) {
	for {
		c.mu.Lock()
		best := c.leastBusy()
		if best != nil && (best.load.Load() == 0 || len(c.conns) >= connsPerPeer) {
			c.mu.Unlock()
			return best, nil
		}
		if c.dialing == nil && !time.Now().Before(c.retry) && c.port.life.begin() {
			c.dialing = make(chan struct{})
			go c.dial(c.dialing)
		}
		dialing, last := c.dialing, c.last
		c.mu.Unlock()
		switch {
		case best != nil: // busy, but here
			return best, nil
		case dialing == nil && c.port.life.ctx.Err() != nil:
			return nil, ErrClosed
		case dialing == nil:
			return nil, fmt.Errorf("link: waiting before the next dial: %w", last)
		}
		select {
		case <-dialing:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// leastBusy drops the connections that ended. c.mu is held.
func (c *caller) leastBusy() (best *callConn) {
	live := c.conns[:0]
	for _, conn := range c.conns {
		if conn.ended() {
			continue
		}
		live = append(live, conn)
		if best == nil || conn.load.Load() < best.load.Load() {
			best = conn
		}
	}
	clear(c.conns[len(live):])
	c.conns = live
	return best
}

// dial opens one connection. It is the port's, so that no caller's context ends it for the others.
func (c *caller) dial(done chan struct{}) {
	defer c.port.life.loops.Done()
	ctx, cancel := context.WithTimeout(c.port.life.ctx, HandshakeTimeout)
	defer cancel()
	conn, err := c.port.dial(ctx, c.id, protoCall, true)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dialing, c.last = nil, err
	close(done)
	if err != nil {
		c.backoff = min(max(2*c.backoff, firstBackoff), maxBackoff)
		c.retry = time.Now().Add(c.backoff/2 + rand.N(c.backoff))
		if errors.Is(err, ErrNotMember) || errors.Is(err, ErrCloned) {
			c.port.log.Warn("a member refuses this node", "peer", c.id, "err", err)
		}
		return
	}
	c.backoff, c.retry = 0, time.Time{}
	c.conns = append(c.conns, c.port.startCalls(conn))
}
