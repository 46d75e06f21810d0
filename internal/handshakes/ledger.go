package handshakes

import (
	"math"
	"net/netip"
	"sync"
	"time"

	"hpfriends/internal/crowd"
)

const (
	// halfLife is in what time half of what somebody has had is forgotten.
	halfLife = 10 * time.Second
	// maxAccounts bounds the ledger. When there are more, it forgets everybody's past: bounded memory is worth more.
	maxAccounts = 1 << 14
)

// ledger knows how much time each site and each address has had of late.
type ledger struct {
	mu       sync.Mutex
	accounts map[netip.Prefix]account
	now      time.Time // of the newest change
}

// account is an amount, in seconds, as of a time.
type account struct {
	seconds float64
	asOf    time.Time
}

func newLedger() *ledger { return &ledger{accounts: make(map[netip.Prefix]account)} }

func (a account) at(t time.Time) float64 {
	return a.seconds * math.Exp2(-t.Sub(a.asOf).Seconds()/halfLife.Seconds())
}

// add notes what an address has had.
func (l *ledger) add(a netip.Prefix, d time.Duration, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = now
	if len(l.accounts)+2 > maxAccounts {
		clear(l.accounts)
	}
	for _, p := range [2]netip.Prefix{crowd.Site(a.Addr()), a} {
		l.accounts[p] = account{l.accounts[p].at(now) + d.Seconds(), now}
	}
}

// before reports whether an address goes before another one: by what their sites have had, and in one site by what
// they themselves have.
func (l *ledger) before(a, b netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	siteA, siteB := crowd.Site(a.Addr()), crowd.Site(b.Addr())
	if siteA == siteB {
		return l.accounts[a].at(l.now) < l.accounts[b].at(l.now)
	}
	return l.accounts[siteA].at(l.now) < l.accounts[siteB].at(l.now)
}
