// Package handshakes bounds the processor time that TLS handshakes take. A stranger begins one for nothing, by sending
// what somebody else has sent, and the server pays with a key agreement and a signature: on all ports together no more
// than Workers of them are computed at once, and addresses take turns.
//
// Its invariant: whoever computes for a connection of Gate.Conn that is not secured yet has a turn. The turn begins
// when a record of the handshake is complete, and ends with the next call of Read, Write or Close, none of which waits
// with a turn. So a peer that is slow holds nobody up, and one who says the same again (HelloRetryRequest), says it in
// pieces, or makes TLS 1.2 compute twice, needs a turn each time.
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
)

// ErrCrowded is why a connection ends that has made room for another one.
var ErrCrowded = errors.New("handshakes: too many wait for a TLS handshake")

// Gate lets handshakes pass. A nil one lets pass whoever comes.
type Gate struct {
	turns   *turns.Turns[netip.Prefix]
	waiting *crowd.Crowd
}

// Workers is how many handshakes are computed at once: the other half of the processors is for those who are in.
func Workers() int { return max(1, runtime.GOMAXPROCS(0)/2) }

// New returns a Gate.
func New() *Gate { return newGate(Workers(), MaxWaiting) }

func newGate(workers, waiting int) *Gate {
	return &Gate{turns.New[netip.Prefix](workers, workers), crowd.New(waiting, 0)}
}

// Conn returns c for tls.Server. from is the client's address, behind a proxy, too.
func (g *Gate) Conn(c net.Conn, from netip.Addr) net.Conn {
	if g == nil {
		return c
	}
	return &conn{Conn: c, gate: g, from: from}
}

// conn is a connection below TLS. One goroutine at a time reads and writes until it is secured.
type conn struct {
	net.Conn
	gate    *Gate
	from    netip.Addr
	records records
	secured bool // belongs to who reads: the peer has sent what is encrypted

	mu     sync.Mutex
	turn   bool
	closed bool
	give   context.CancelCauseFunc // ends waiting; nil: it does not wait
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	if c.secured {
		return c.Conn.Read(p)
	}
	c.rest()
	if c.records.data {
		c.secured = true
		return c.Conn.Read(p)
	}
	n, err := c.Conn.Read(p)
	if c.records.take(p[:n]) {
		if err := c.work(); err != nil {
			return 0, err
		}
	}
	return n, err
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
	end := time.AfterFunc(maxWait, func() { cancel(os.ErrDeadlineExceeded) })
	defer end.Stop()
	seat := c.gate.waiting.Enter(c.from, func() { cancel(ErrCrowded) })
	defer seat.Leave()
	err := c.gate.turns.Take(ctx, crowd.Address(c.from))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.give = nil
	switch {
	case err != nil:
		return fmt.Errorf("no turn for a TLS handshake: %w", err)
	case c.closed:
		c.gate.turns.Give(crowd.Address(c.from))
		return net.ErrClosed
	}
	c.turn = true
	return nil
}

// rest gives the turn back, if there is one.
func (c *conn) rest() {
	c.mu.Lock()
	had := c.turn
	c.turn = false
	c.mu.Unlock()
	if had {
		c.gate.turns.Give(crowd.Address(c.from))
	}
}
