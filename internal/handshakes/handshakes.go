// Package handshakes bounds the processor time that strangers take by what they send: TLS handshakes, and what HTTP/2
// has of frames that cost their sender nothing. A stranger begins a handshake by sending what somebody else has sent,
// and the server pays with a key agreement and a signature; a ping of 17 bytes is two switches of goroutines. On all
// ports together no more than Workers compute for such at once, and of those who wait the one goes first whose site and
// address have had the least time of late: who comes with one request does not wait behind a flood.
//
// Its invariant: whoever computes for a connection of Gate.Conn that is not secured yet has a turn. The turn begins
// when a record of the handshake is complete, and ends with the next call of Read, Write or Close, none of which waits
// with a turn. So a peer that is slow holds nobody up, and one who says the same again (HelloRetryRequest), says it in
// pieces, or makes TLS 1.2 compute twice, needs a turn each time. A connection of Gate.Paced goes on so for good: there
// a turn begins whenever something has come, and lasts for maxTurn at most, since who reads may do something else
// before it reads again. The handler of a request that proves nothing takes a turn of the same kind, by Gate.Turn.
//
// A Gate may be used by any number of goroutines, a connection as any net.Conn is.
package handshakes

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"time"

	"hpfriends/internal/crowd"
	"hpfriends/internal/turns"
)

const (
	// MaxWaiting bounds those who wait for a turn. When there are more, the oldest of the address and site with the most
	// makes room: its connection ends.
	MaxWaiting = 1024
	// maxWait is how long one waits for a turn.
	maxWait = 10 * time.Second
	// maxTurn is how long a turn of a paced connection lasts. What comes with one Read is worked off in 2 ms.
	maxTurn = 20 * time.Millisecond
)

// ErrCrowded is why a connection ends that has made room for another one.
var ErrCrowded = errors.New("handshakes: too many wait for a turn")

var errLong = fmt.Errorf("handshakes: for %v there was no turn", maxWait)

// Gate lets handshakes pass. A nil one lets pass whoever comes.
type Gate struct {
	turns   *turns.Turns[netip.Prefix]
	waiting *crowd.Crowd
	spent   *ledger
}

// Workers is how many handshakes are computed at once: the other half of the processors is for those who are in.
func Workers() int { return max(1, runtime.GOMAXPROCS(0)/2) }

// New returns a Gate.
func New() *Gate { return newGate(Workers(), MaxWaiting) }

func newGate(workers, waiting int) *Gate {
	l := newLedger()
	return &Gate{turns.NewRanked(workers, workers, l.before), crowd.New(waiting, 0), l}
}

// Conn returns c for tls.Server. from is the client's address, behind a proxy, too.
func (g *Gate) Conn(c net.Conn, from netip.Addr) net.Conn {
	if g == nil {
		return c
	}
	return &conn{Conn: c, gate: g, from: from}
}

// Paced returns c for a server, with TLS or without, that works off what comes as fast as it comes.
func (g *Gate) Paced(c net.Conn, from netip.Addr) net.Conn {
	if g == nil {
		return c
	}
	return &conn{Conn: c, gate: g, from: from, paced: true}
}

// Turn takes a turn of a stranger's request for its handler. It lasts until end is called, or for maxTurn.
func (g *Gate) Turn(ctx context.Context, from netip.Addr) (end func(), err error) {
	if g == nil {
		return func() {}, nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if err := g.take(ctx, cancel, from); err != nil {
		return nil, err
	}
	began := time.Now()
	give := sync.OnceFunc(func() { g.give(from, began) })
	last := time.AfterFunc(maxTurn, give)
	return func() {
		last.Stop()
		give()
	}, nil
}

// take waits for a turn, with a seat among those who wait.
func (g *Gate) take(ctx context.Context, cancel context.CancelCauseFunc, from netip.Addr) error {
	end := time.AfterFunc(maxWait, func() { cancel(errLong) })
	defer end.Stop()
	seat := g.waiting.Enter(from, func() { cancel(ErrCrowded) })
	defer seat.Leave()
	return g.turns.Take(ctx, crowd.Address(from))
}

// give ends a turn.
func (g *Gate) give(from netip.Addr, began time.Time) {
	now := time.Now()
	g.spent.add(from, now.Sub(began), now)
	g.turns.Give(crowd.Address(from))
}

// conn is a connection below TLS. One goroutine at a time reads and writes until it is secured.
type conn struct {
	net.Conn
	gate    *Gate
	from    netip.Addr
	paced   bool
	records records
	secured bool // belongs to who reads: the peer has sent what is encrypted

	mu     sync.Mutex
	turn   *time.Timer // ends it; nil: it has none
	began  time.Time   // the turn
	closed bool
	give   context.CancelCauseFunc // ends waiting; nil: it does not wait
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	if c.secured {
		return c.Conn.Read(p)
	}
	c.rest()
	if !c.paced && c.records.data {
		c.secured = true
		return c.Conn.Read(p)
	}
	n, err := c.Conn.Read(p)
	if !c.paced && !c.records.take(p[:n]) || n == 0 {
		return n, err
	}
	if err := c.work(); err != nil && !(c.paced && errors.Is(err, os.ErrDeadlineExceeded)) {
		return 0, err
	}
	return n, err // a deadline ends the wait only: net/http goes on with what has come
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	c.rest()
	return c.Conn.Write(p)
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.mu.Lock()
	c.closed = true
	c.endWait(net.ErrClosed)
	c.mu.Unlock()
	c.rest()
	return c.Conn.Close()
}

// SetDeadline implements net.Conn. One that has passed ends waiting for a turn.
func (c *conn) SetDeadline(t time.Time) error {
	c.passed(t)
	return c.Conn.SetDeadline(t)
}

// SetReadDeadline is the same.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.passed(t)
	return c.Conn.SetReadDeadline(t)
}

func (c *conn) passed(t time.Time) {
	if t.IsZero() || time.Until(t) > 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endWait(os.ErrDeadlineExceeded)
}

// endWait is for holders of mu.
func (c *conn) endWait(why error) {
	if c.give != nil {
		c.give(why)
	}
}

// work takes a turn.
func (c *conn) work() error {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return net.ErrClosed
	}
	c.give = cancel
	c.mu.Unlock()
	err := c.gate.take(ctx, cancel, c.from)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.give = nil
	switch {
	case err != nil:
		return err
	case c.closed:
		c.gate.turns.Give(crowd.Address(c.from))
		return net.ErrClosed
	}
	most := maxTurn
	if !c.paced {
		most = maxWait
	}
	c.turn, c.began = time.AfterFunc(most, c.rest), time.Now()
	return nil
}

// rest gives the turn back, if there is one.
func (c *conn) rest() {
	c.mu.Lock()
	had, began := c.turn, c.began
	c.turn = nil
	c.mu.Unlock()
	if had != nil {
		had.Stop()
		c.gate.give(c.from, began)
	}
}
