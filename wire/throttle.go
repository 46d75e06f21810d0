package wire

import (
	"container/list"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"
)

// loginThrottle delays the answers to failed logins. A client that reconnects at once and for ever (3,847 connections
// in 3 s were measured of one with a bad secret) waits for the refusal, so delaying the refusal delays the client; a
// login that succeeds is never delayed.
type loginThrottle struct {
	mu    sync.Mutex
	known map[loginKey]*list.Element
	order *list.List // of *failedLogins, the last failure in front
}

// loginKey is one ident from one address: another client behind the same address is not delayed for it.
type loginKey struct {
	addr  netip.Prefix
	ident string
}

type failedLogins struct {
	loginKey
	failures int
	last     time.Time
}

const (
	maxThrottled  = 4096
	firstDelay    = 200 * time.Millisecond // half to one and a half of it is waited
	maxDelay      = 10 * time.Second
	failureMemory = 5 * time.Minute // after which failures are forgotten

	// MaxRefusalDelay is how long a Server holds back that it refuses a login, at most. A client that wants to know has to
	// wait longer.
	MaxRefusalDelay = maxDelay + maxDelay/2
)

func newLoginThrottle() *loginThrottle {
	return &loginThrottle{known: make(map[loginKey]*list.Element), order: list.New()}
}

// failed counts a failed login and returns how long its answer is held back.
func (t *loginThrottle) failed(k loginKey, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.known[k]
	if e == nil {
		if t.order.Len() >= maxThrottled {
			delete(t.known, t.order.Remove(t.order.Back()).(*failedLogins).loginKey)
		}
		e = t.order.PushFront(&failedLogins{loginKey: k})
		t.known[k] = e
	}
	t.order.MoveToFront(e)
	v := e.Value.(*failedLogins)
	if now.Sub(v.last) > failureMemory {
		v.failures = 0
	}
	delay := maxDelay
	if v.failures < 6 { // 200 ms << 6 is over the worst
		delay = firstDelay << v.failures
	}
	v.failures++
	v.last = now
	return delay/2 + rand.N(delay)
}

// succeeded forgets the failures.
func (t *loginThrottle) succeeded(k loginKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.known[k]; e != nil {
		t.order.Remove(e)
		delete(t.known, k)
	}
}
