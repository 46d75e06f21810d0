package wire

import (
	"container/list"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"
)

// penalties slows failed logins down. A client that reconnects at once and for ever (3,847 connections in 3 s were
// measured of one with a bad secret) waits for the refusal, so delaying the refusal delays the client; a login that
// succeeds is never delayed.
type penalties struct {
	mu    sync.Mutex
	known map[offender]*list.Element
	order *list.List // of *penalty, the last failure in front
}

// offender is one ident from one address: another client behind the same address is not delayed for it.
type offender struct {
	addr  netip.Prefix
	ident string
}

type penalty struct {
	offender
	failures int
	last     time.Time
}

const (
	maxPenalties  = 4096
	firstPenalty  = 200 * time.Millisecond // half to one and a half of it is waited
	worstPenalty  = 10 * time.Second
	penaltyMemory = 5 * time.Minute // after which failures are forgotten
)

func newPenalties() *penalties {
	return &penalties{known: make(map[offender]*list.Element), order: list.New()}
}

// failed counts a failed login and returns how long its answer is held back.
func (p *penalties) failed(o offender, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.known[o]
	if e == nil {
		if p.order.Len() >= maxPenalties {
			delete(p.known, p.order.Remove(p.order.Back()).(*penalty).offender)
		}
		e = p.order.PushFront(&penalty{offender: o})
		p.known[o] = e
	}
	p.order.MoveToFront(e)
	v := e.Value.(*penalty)
	if now.Sub(v.last) > penaltyMemory {
		v.failures = 0
	}
	delay := worstPenalty
	if v.failures < 6 { // 200 ms << 6 is over the worst
		delay = firstPenalty << v.failures
	}
	v.failures++
	v.last = now
	return delay/2 + rand.N(delay)
}

// succeeded forgets the failures.
func (p *penalties) succeeded(o offender) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.known[o]; e != nil {
		p.order.Remove(e)
		delete(p.known, o)
	}
}
