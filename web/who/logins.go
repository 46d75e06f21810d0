package who

import (
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"hpfriends/graph"
	"hpfriends/internal/crowd"
)

// logins slows down guessing of passwords: from one network (one address of IPv4, a /64 of IPv6) 20 logins at once and
// then one every 3 s, and of them 5 at once for one account, then one every 12 s. There is no limit for an account
// alone, by which strangers could lock out its owner; a password costs argon2id each time.
type logins struct {
	mu    sync.Mutex
	seen  map[login]*rate.Limiter
	sites map[netip.Prefix]int // how many of seen are of each
	swept time.Time            // when it last looked what can be forgotten
	rest  *rate.Limiter
}

// login is a network, and an account or all of them ("").
type login struct {
	network netip.Prefix
	handle  string
}

// maxLimiters bounds the memory, and maxOfSite what one site has of it: who has a /48 of IPv6 has 65,536 networks. When
// one is reached, those that limit nothing any more are forgotten; if there are none, new networks (of that site) share
// one limiter: a spray of addresses neither keeps everybody out nor lets everybody in.
const (
	maxLimiters = 20_000
	maxOfSite   = maxLimiters / 10
)

func newLogins() *logins {
	return &logins{
		seen: make(map[login]*rate.Limiter), sites: make(map[netip.Prefix]int), rest: newRest(),
	}
}

func newRest() *rate.Limiter { return rate.NewLimiter(5, 20) }

// allow counts a login and reports whether it may go on. Who is known, from that address, shares no limiter.
func (l *logins) allow(handle string, addr netip.Addr, known bool, now time.Time) bool {
	network, site := crowd.Address(addr), crowd.Site(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.seen) >= maxLimiters || l.sites[site] >= maxOfSite {
		l.sweep(now)
	}
	if !known && l.seen[login{network: network}] == nil {
		switch {
		case len(l.seen) >= maxLimiters:
			return l.rest.AllowN(now, 1)
		case l.sites[site] >= maxOfSite:
			return l.limiter(login{network: site}, newRest).AllowN(now, 1)
		}
	}
	of := login{network, strings.ToLower(graph.Clip(handle))}
	return l.limiter(login{network: network}, newNetwork).AllowN(now, 1) && l.limiter(of, newAccount).AllowN(now, 1)
}

func newNetwork() *rate.Limiter { return rate.NewLimiter(rate.Every(3*time.Second), 20) }
func newAccount() *rate.Limiter { return rate.NewLimiter(rate.Every(12*time.Second), 5) }

// sweep forgets what limits nothing any more, at most once a second: it must not be a way to keep the server busy.
func (l *logins) sweep(now time.Time) {
	if now.Sub(l.swept) < time.Second {
		return
	}
	l.swept = now
	for k, lim := range l.seen {
		if lim.TokensAt(now) >= float64(lim.Burst()) {
			delete(l.seen, k)
			if site := crowd.Site(k.network.Addr()); l.sites[site] > 1 {
				l.sites[site]--
			} else {
				delete(l.sites, site)
			}
		}
	}
}

func (l *logins) limiter(k login, fresh func() *rate.Limiter) *rate.Limiter {
	lim := l.seen[k]
	if lim == nil {
		lim = fresh()
		l.seen[k] = lim
		l.sites[crowd.Site(k.network.Addr())]++
	}
	return lim
}
