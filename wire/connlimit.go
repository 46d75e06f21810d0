package wire

import (
	"net/netip"
	"sync"
	"time"
)

// gate counts connections and decides which new one is let in. A connection that logs in costs nothing afterwards, so
// that a site behind one address is not held back, but whoever only connects is.
type gate struct {
	maxConns, maxPerAddr       int
	maxPending, pendingPerAddr int
	rate, burst                float64 // per second; most that may come at once

	mu      sync.Mutex
	conns   int
	pending int
	addrs   map[netip.Prefix]*caller
}

// caller is what is known of one address.
type caller struct {
	conns   int
	pending int
	spent   float64 // of the burst
	asOf    time.Time
}

// maxCallers bounds the addresses that are remembered without a connection.
const maxCallers = 1 << 14

func newGate(c Config) *gate {
	return &gate{
		maxConns: c.MaxConns, maxPerAddr: c.MaxConnsPerAddr,
		maxPending: c.MaxPending, pendingPerAddr: max(c.MaxPending/4, min(c.MaxPending, 16)), // one address leaves room for others
		rate: float64(c.ConnectRate), burst: 10 * float64(c.ConnectRate), addrs: make(map[netip.Prefix]*caller),
	}
}

// group is what counts as one address: in IPv6 a site has a /64.
func group(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.WithZone("").Prefix(bits)
	return p
}

// enter lets a connection in, as one that has not logged in, or not.
func (g *gate) enter(p netip.Prefix, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.addrs[p]
	if c == nil {
		if len(g.addrs) >= maxCallers+g.conns {
			g.forget(now)
		}
		c = &caller{asOf: now}
		g.addrs[p] = c
	}
	c.refill(g.rate, now)
	if g.conns >= g.maxConns || g.pending >= g.maxPending ||
		c.conns >= g.maxPerAddr || c.pending >= g.pendingPerAddr || c.spent+1 > g.burst {
		return false
	}
	c.spent++
	c.conns++
	c.pending++
	g.conns++
	g.pending++
	return true
}

// loggedIn notes that a connection is none of the pending any more, and gives back what it cost.
func (g *gate) loggedIn(p netip.Prefix) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.addrs[p]
	g.pending--
	c.pending--
	c.spent = max(0, c.spent-1)
}

// leave notes the end of a connection that was let in.
func (g *gate) leave(p netip.Prefix, pending bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.addrs[p]
	g.conns--
	if pending {
		g.pending--
		c.pending--
	}
	if c.conns--; c.conns == 0 && c.spent == 0 {
		delete(g.addrs, p)
	}
}

func (c *caller) refill(rate float64, now time.Time) {
	c.spent = max(0, c.spent-rate*now.Sub(c.asOf).Seconds())
	c.asOf = now
}

// forget drops the addresses without connections that have nothing left to pay; if that is not enough, half of the others.
func (g *gate) forget(now time.Time) {
	for p, c := range g.addrs {
		if c.refill(g.rate, now); c.conns == 0 && c.spent == 0 {
			delete(g.addrs, p)
		}
	}
	drop := len(g.addrs) - g.conns - maxCallers/2
	for p, c := range g.addrs {
		if drop <= 0 {
			return
		}
		if c.conns == 0 {
			delete(g.addrs, p)
			drop--
		}
	}
}
