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
// then one every 3 s, and of them 5 at once for one account, then one every 12 s. A /48 of IPv6, which anybody has, has
// 100 at once and then one a second, so that its 65,536 networks do not fill the memory. There is no limit for an
// account alone, by which strangers could lock out its owner; a password costs argon2id each time.
type logins struct {
	mu    sync.Mutex
	seen  map[login]*rate.Limiter
	swept time.Time // when it last looked what can be forgotten
	rest  *rate.Limiter
}

// login is a network, and an account or all of them ("").
type login struct {
	network netip.Prefix
	handle  string
}

// maxLimiters bounds the memory. When it is reached, those that limit nothing any more are forgotten; if there are
// none, new networks share one limiter: a spray of addresses neither keeps everybody out nor lets everybody in.
const maxLimiters = 20_000

func newLogins() *logins {
	return &logins{seen: make(map[login]*rate.Limiter), rest: rate.NewLimiter(5, 20)}
}

// allow counts a login and reports whether it may go on.
func (l *logins) allow(handle string, addr netip.Addr, now time.Time) bool {
	network, site := crowd.Address(addr), crowd.Site(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.seen) >= maxLimiters {
		l.sweep(now)
		if len(l.seen) >= maxLimiters && l.seen[login{network: network}] == nil {
			return l.rest.AllowN(now, 1)
		}
	}
	if network.Addr().Is6() && !l.limiter(login{network: site}, rate.Every(time.Second), 100).AllowN(now, 1) {
		return false
	}
	return l.limiter(login{network: network}, rate.Every(3*time.Second), 20).AllowN(now, 1) &&
		l.limiter(login{network, strings.ToLower(graph.Clip(handle))}, rate.Every(12*time.Second), 5).AllowN(now, 1)
}

// sweep forgets what limits nothing any more, at most once a second: it must not be a way to keep the server busy.
func (l *logins) sweep(now time.Time) {
	if now.Sub(l.swept) < time.Second {
		return
	}
	l.swept = now
	for k, lim := range l.seen {
		if lim.TokensAt(now) >= float64(lim.Burst()) {
			delete(l.seen, k)
		}
	}
}

func (l *logins) limiter(k login, every rate.Limit, burst int) *rate.Limiter {
	lim := l.seen[k]
	if lim == nil {
		lim = rate.NewLimiter(every, burst)
		l.seen[k] = lim
	}
	return lim
}
