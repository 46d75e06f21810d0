package crowd

import (
	"maps"
	"math"
	"net/netip"
	"sync"
	"time"
)

const (
	// halfLife is in what time half of what somebody has had is forgotten.
	halfLife = 10 * time.Second
	// maxAccounts bounds the ledger. When there are more, it forgets whose past is next to nothing, and if these are few
	// everybody's: bounded memory is worth more.
	maxAccounts = 1 << 14
	nothing     = 0.001 // seconds
)

// Ledger knows how much time each site and each address has had of late. The zero value knows of none.
type Ledger struct {
	mu       sync.Mutex
	accounts map[netip.Prefix]account
	now      time.Time // of the newest change
}

// account is an amount, in seconds, as of a time.
type account struct {
	seconds float64
	asOf    time.Time
}

func (a account) at(t time.Time) float64 {
	return a.seconds * math.Exp2(-t.Sub(a.asOf).Seconds()/halfLife.Seconds())
}

// Add notes what an address has had.
func (l *Ledger) Add(a netip.Prefix, d time.Duration, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = now
	if l.accounts == nil {
		l.accounts = make(map[netip.Prefix]account)
	}
	if len(l.accounts)+2 > maxAccounts {
		maps.DeleteFunc(l.accounts, func(_ netip.Prefix, had account) bool { return had.at(now) < nothing })
		if len(l.accounts) > maxAccounts/2 { // or it would be looked through for each that comes
			clear(l.accounts)
		}
	}
	for _, p := range [2]netip.Prefix{Site(a.Addr()), a} {
		l.accounts[p] = account{l.accounts[p].at(now) + d.Seconds(), now}
	}
}

// Before reports whether an address goes before another one: by what their sites have had, and in one site by what
// they themselves have.
func (l *Ledger) Before(a, b netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	siteA, siteB := Site(a.Addr()), Site(b.Addr())
	if siteA == siteB {
		return l.accounts[a].at(l.now) < l.accounts[b].at(l.now)
	}
	return l.accounts[siteA].at(l.now) < l.accounts[siteB].at(l.now)
}
