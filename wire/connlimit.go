package wire

import (
	"net/netip"
	"sync"
	"time"

	"hpfriends/internal/crowd"
)

// connLimiter counts connections and decides which new one is let in. A connection that logs in costs nothing
// afterwards: a site behind one address is not held back, and whoever only connects is.
type connLimiter struct {
	maxConns    int // that have logged in
	maxPerAddr  int
	rate, burst float64      // per second; most that may come at once
	pending     *crowd.Crowd // who has not logged in

	mu       sync.Mutex
	conns    int
	loggedIn int
	addrs    map[netip.Prefix]*addrUse
}

// addrUse is what one address uses.
type addrUse struct {
	conns int
	spent float64 // of the burst
	asOf  time.Time
}

// maxIdleAddrs bounds the addresses that are remembered without a connection.
const maxIdleAddrs = 1 << 14

func newConnLimiter(c Config) *connLimiter {
	most := min(c.MaxPending, max(1, c.MaxConns/4))
	return &connLimiter{
		maxConns: max(1, c.MaxConns-most), maxPerAddr: c.MaxConnsPerAddr,
		rate: float64(c.ConnectRate), burst: 10 * float64(c.ConnectRate),
		pending: crowd.New(most, max(most/4, min(most, 16))), // one address leaves room for others
		addrs:   make(map[netip.Prefix]*addrUse),
	}
}

// admit reports whether a connection is let in.
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
	if l.loggedIn >= l.maxConns || c.conns >= l.maxPerAddr || c.spent+1 > l.burst {
		return false
	}
	c.spent++
	c.conns++
	l.conns++
	return true
}

// login notes that a connection has logged in, and gives back what it cost.
func (l *connLimiter) login(p netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.loggedIn++
	c := l.addrs[p]
	c.spent = max(0, c.spent-1)
}

// release notes the end of a connection that was let in.
func (l *connLimiter) release(p netip.Prefix, loggedIn bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.addrs[p]
	l.conns--
	if loggedIn {
		l.loggedIn--
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
