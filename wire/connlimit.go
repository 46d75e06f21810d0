package wire

import (
	"net/netip"
	"sync"
	"time"
)

// connLimiter counts connections and decides which new one is let in. A connection that logs in costs nothing
// afterwards: a site behind one address is not held back, and whoever only connects is.
type connLimiter struct {
	maxConns, maxPerAddr       int
	maxPending, pendingPerAddr int
	rate, burst                float64 // per second; most that may come at once

	mu      sync.Mutex
	conns   int
	pending int
	addrs   map[netip.Prefix]*addrUse
}

// addrUse is what one address uses.
type addrUse struct {
	conns   int
	pending int
	spent   float64 // of the burst
	asOf    time.Time
}

// maxIdleAddrs bounds the addresses that are remembered without a connection.
const maxIdleAddrs = 1 << 14

func newConnLimiter(c Config) *connLimiter {
	return &connLimiter{
		maxConns: c.MaxConns, maxPerAddr: c.MaxConnsPerAddr,
		maxPending: c.MaxPending,
		// One address leaves room for others.
		pendingPerAddr: max(c.MaxPending/4, min(c.MaxPending, 16)),
		rate:           float64(c.ConnectRate), burst: 10 * float64(c.ConnectRate),
		addrs: make(map[netip.Prefix]*addrUse),
	}
}

// addrKey returns what counts as one address: in IPv6 a site has a /64.
func addrKey(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.WithZone("").Prefix(bits)
	return p
}

// admit reports whether a connection is let in, and counts it as one that has not logged in.
func (l *connLimiter) admit(p netip.Prefix, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.addrs[p]
	if c == nil {
		if len(l.addrs) >= maxIdleAddrs+l.conns {
			l.evict(now)
		}
		c = &addrUse{asOf: now}
		l.addrs[p] = c
	}
	c.refill(l.rate, now)
	if l.conns >= l.maxConns || l.pending >= l.maxPending ||
		c.conns >= l.maxPerAddr || c.pending >= l.pendingPerAddr || c.spent+1 > l.burst {
		return false
	}
	c.spent++
	c.conns++
	c.pending++
	l.conns++
	l.pending++
	return true
}

// loggedIn notes that a connection is none of the pending any more, and gives back what it cost.
func (l *connLimiter) loggedIn(p netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.addrs[p]
	l.pending--
	c.pending--
	c.spent = max(0, c.spent-1)
}

// release notes the end of a connection that was let in.
func (l *connLimiter) release(p netip.Prefix, pending bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.addrs[p]
	l.conns--
	if pending {
		l.pending--
		c.pending--
	}
	if c.conns--; c.conns == 0 && c.spent == 0 {
		delete(l.addrs, p)
	}
}

func (c *addrUse) refill(rate float64, now time.Time) {
	c.spent = max(0, c.spent-rate*now.Sub(c.asOf).Seconds())
	c.asOf = now
}

// evict drops the addresses without connections whose burst is whole again; if that is not enough, half of the others.
func (l *connLimiter) evict(now time.Time) {
	for p, c := range l.addrs {
		if c.refill(l.rate, now); c.conns == 0 && c.spent == 0 {
			delete(l.addrs, p)
		}
	}
	drop := len(l.addrs) - l.conns - maxIdleAddrs/2
	for p, c := range l.addrs {
		if drop <= 0 {
			return
		}
		if c.conns == 0 {
			delete(l.addrs, p)
			drop--
		}
	}
}
