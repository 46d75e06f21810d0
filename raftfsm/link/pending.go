package link

import (
	"net"
	"sync"
	"time"
)

// maxPending bounds the handshakes under way. An honest one takes milliseconds, so under a flood of slow ones closing
// the oldest of the most crowded address costs the flood, not the honest.
const maxPending = 256

// pending are the connections that are not yet known to be anyone's.
type pending struct {
	mu    sync.Mutex
	conns map[net.Conn]arrival
}

type arrival struct {
	host string
	at   time.Time
}

// add takes a connection in, and closes another when there are too many.
func (p *pending) add(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns == nil {
		p.conns = make(map[net.Conn]arrival)
	}
	if len(p.conns) >= maxPending {
		victim := p.victim()
		delete(p.conns, victim)
		_ = victim.Close()
	}
	p.conns[c] = arrival{hostOf(c), time.Now()}
}

// victim is the oldest connection of the address that has the most. p.mu is held.
func (p *pending) victim() (oldest net.Conn) {
	count, crowded := map[string]int{}, ""
	for _, a := range p.conns {
		if count[a.host]++; count[a.host] > count[crowded] {
			crowded = a.host
		}
	}
	for c, a := range p.conns {
		if a.host == crowded && (oldest == nil || a.at.Before(p.conns[oldest].at)) {
			oldest = c
		}
	}
	return oldest
}

func (p *pending) remove(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

func (p *pending) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

// hostOf is the address a connection comes from, without its port.
func hostOf(c net.Conn) string {
	addr := c.RemoteAddr().String()
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
}
