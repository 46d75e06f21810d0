// Package handshakes bounds the processor time that strangers take by what they send: TLS handshakes, and what HTTP/2
// has of frames that cost their sender nothing. A stranger begins a handshake by sending what somebody else has sent,
// and the server pays with a key agreement and a signature; a ping of 17 bytes is two switches of goroutines. On all
// ports together no more than Workers compute for such at once, and of those who wait the one goes first whose site and
// address have had the least time of late: who comes with one request does not wait behind a flood. Where somebody has
// proven who they are, by Gate.Know, is no place of strangers for a day: such addresses take turns of their own, of
// which one follows each of the strangers'. So who is in waits for one stranger at most, however many there are.
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
	turns     *turns.Turns[party]
	waiting   *crowd.Crowd
	places    places // of who has proven themselves
	strangers crowd.Ledger
	known     crowd.Ledger
}

// party is who takes turns.
type party struct {
	known   bool
	address netip.Prefix
}

// Workers is how many handshakes are computed at once: the other half of the processors is for those who are in.
func Workers() int { return max(1, runtime.GOMAXPROCS(0)/2) }

// New returns a Gate.
func New() *Gate { return newGate(Workers(), MaxWaiting) }

func newGate(workers, waiting int) *Gate {
	g := &Gate{waiting: crowd.New(waiting, 0)}
	g.turns = turns.NewRanked(workers, workers, g.before)
	return g
}

// before reports whether a goes before b: strangers and who is known in turn, and of each whose site and address have
// had less.
func (g *Gate) before(last, a, b party) bool {
	if a.known != b.known {
		return a.known != last.known
	}
	return g.ledger(a).Before(a.address, b.address)
}

func (g *Gate) ledger(p party) *crowd.Ledger {
	if p.known {
		return &g.known
	}
	return &g.strangers
}

// Know notes that somebody at an address has proven who they are: by a session, a token, an authkey, or a certificate.
func (g *Gate) Know(a netip.Addr) {
	if g != nil {
		g.places.add(crowd.Address(a), time.Now())
	}
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

// Knows reports whether an address is of who has proven themselves of late.
func (g *Gate) Knows(a netip.Addr) bool { return g.places.has(crowd.Address(a)) }

type turnKey struct{}

// Turn takes a turn of a stranger's request for its handler. It lasts until end is called, until Rest is with the
// context that it returns, or for maxTurn.
func (g *Gate) Turn(ctx context.Context, from netip.Addr) (in context.Context, end func(), err error) {
	if g == nil {
		return ctx, func() {}, nil
	}
	waits, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p, err := g.take(waits, cancel, from)
	if err != nil {
		return ctx, nil, err
	}
	began := time.Now()
	give := sync.OnceFunc(func() { g.give(p, began) })
	last := time.AfterFunc(maxTurn, give)
	end = func() {
		last.Stop()
		give()
	}
	return context.WithValue(ctx, turnKey{}, end), end, nil
}

// Rest ends the turn of a request whose handler is going to wait for something else: who waits with a turn keeps it
// from those who would compute.
func Rest(ctx context.Context) {
	if end, ok := ctx.Value(turnKey{}).(func()); ok {
		end()
	}
}

// take waits for a turn, with a seat among those who wait.
func (g *Gate) take(ctx context.Context, cancel context.CancelCauseFunc, from netip.Addr) (party, error) {
	end := time.AfterFunc(maxWait, func() { cancel(errLong) })
	defer end.Stop()
	seat := g.waiting.Enter(from, func() { cancel(ErrCrowded) })
	defer seat.Leave()
	p := party{g.Knows(from), crowd.Address(from)}
	return p, g.turns.Take(ctx, p)
}

// give ends a turn.
func (g *Gate) give(p party, began time.Time) {
	now := time.Now()
	g.ledger(p).Add(p.address, now.Sub(began), now)
	g.turns.Give(p)
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
	party  party       // whose turn it is
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
	p, err := c.gate.take(ctx, cancel, c.from)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.give = nil
	switch {
	case err != nil:
		return err
	case c.closed:
		c.gate.turns.Give(p)
		return net.ErrClosed
	}
	most := maxTurn
	if !c.paced {
		most = maxWait
	}
	c.turn, c.party, c.began = time.AfterFunc(most, c.rest), p, time.Now()
	return nil
}

// rest gives the turn back, if there is one.
func (c *conn) rest() {
	c.mu.Lock()
	had, p, began := c.turn, c.party, c.began
	c.turn = nil
	c.mu.Unlock()
	if had != nil {
		had.Stop()
		c.gate.give(p, began)
	}
}
