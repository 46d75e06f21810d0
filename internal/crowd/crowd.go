// Package crowd bounds how many strangers a port waits for at once, so that no number of them keeps the others out.
//
// A Crowd never refuses who comes: when it is full, the one who leaves is of the network that has the most in it. A
// flood from few networks closes its own connections, and somebody who needs only a moment gets it.
//
// Whose networks are alike is decided twice: first by the site (IPv4: /24, IPv6: /48), then by the address (IPv4: /32,
// IPv6: /64, which is what one machine may choose from). A site that has many addresses is one party.
//
// Everything here may be used by any number of goroutines.
package crowd

import (
	"container/list"
	"net"
	"net/netip"
	"sync"
)

// Crowd is who is in. Make one with New. What a call costs grows with the logarithm of how many networks are in.
type Crowd struct {
	most, perAddress int

	mu    sync.Mutex
	sites map[netip.Prefix]*site
	order heapOf[*site] // who has the most is first
	seats int
	clock uint64
}

// site is the addresses of one site that have anybody in.
type site struct {
	place     int // in Crowd.order
	addresses map[netip.Prefix]*queues
	order     heapOf[*queues] // who has the most is first
	seats     int
}

// queues are the seats of one address, each in the order in which they go: who waits before who works.
type queues struct {
	place      int // in site.order
	idle, busy list.List
}

// Seat is the place of one who is in.
type Seat struct {
	crowd         *Crowd
	site, address netip.Prefix
	since         uint64 // by Crowd.clock
	busy          bool
	at            *list.Element // in one of the queues; nil: gone
	evict         func()
}

// New returns a Crowd of most seats, of which one address gets perAddress (0: all of them).
func New(most, perAddress int) *Crowd {
	if perAddress == 0 {
		perAddress = most
	}
	return &Crowd{most: most, perAddress: perAddress, sites: make(map[netip.Prefix]*site)}
}

// Address is what counts as one address: in IPv6 a machine chooses from a /64.
func Address(a netip.Addr) netip.Prefix { return prefix(a, 32, 64) }

// Site is what counts as one site.
func Site(a netip.Addr) netip.Prefix { return prefix(a, 24, 48) }

func prefix(a netip.Addr, v4, v6 int) netip.Prefix {
	a = a.WithZone("").Unmap()
	bits := min(v4, a.BitLen())
	if a.Is6() {
		bits = v6
	}
	p, _ := a.Prefix(bits)
	return p
}

// Remote is the address that a connection comes from; the zero Addr where it has none.
func Remote(c net.Conn) netip.Addr {
	a, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return a.AddrPort().Addr().Unmap()
}

// Enter gives somebody a seat. When there is none, another one's evict is called: that of the oldest who is not busy,
// of the address and site that have the most. evict must not block, and must not call the Crowd.
func (c *Crowd) Enter(from netip.Addr, evict func()) *Seat {
	c.mu.Lock()
	c.clock++
	s := &Seat{crowd: c, site: Site(from), address: Address(from), since: c.clock, evict: evict}
	victim := c.victim(s)
	if victim != nil {
		victim.leave()
	}
	at := c.sites[s.site]
	if at == nil {
		at = &site{place: none, addresses: make(map[netip.Prefix]*queues)}
		c.sites[s.site] = at
	}
	q := at.addresses[s.address]
	if q == nil {
		q = &queues{place: none}
		at.addresses[s.address] = q
	}
	s.at = q.idle.PushBack(s)
	at.seats++
	c.seats++
	c.moved(at, q)
	c.mu.Unlock()
	if victim != nil {
		victim.evict()
	}
	return s
}

// victim is who makes room for s, or nil. The caller holds mu.
func (c *Crowd) victim(s *Seat) *Seat {
	if at := c.sites[s.site]; at != nil && at.addresses[s.address].len() >= c.perAddress {
		return at.addresses[s.address].first()
	}
	if c.seats < c.most {
		return nil
	}
	return c.order.all[0].victim()
}

// victim is the first to go of the address that has the most.
func (at *site) victim() *Seat { return at.order.all[0].first() }

// moved puts a site and an address of it where they belong, after a change of them. The caller holds mu.
func (c *Crowd) moved(at *site, q *queues) {
	at.order.put(q, q.len() > 0)
	c.order.put(at, at.seats > 0)
}

func (q *queues) len() int {
	if q == nil {
		return 0
	}
	return q.idle.Len() + q.busy.Len()
}

func (q *queues) first() *Seat {
	if q.idle.Len() > 0 {
		return q.idle.Front().Value.(*Seat)
	}
	return q.busy.Front().Value.(*Seat)
}

func (q *queues) of(s *Seat) *list.List {
	if s.busy {
		return &q.busy
	}
	return &q.idle
}

// before reports whether s goes before t: who waits before who works, and then who has been there longer.
func (s *Seat) before(t *Seat) bool {
	if s.busy != t.busy {
		return t.busy
	}
	return s.since < t.since
}

// Busy says whether the seat's owner is at work. One that has just worked is the newest again.
func (s *Seat) Busy(busy bool) {
	c := s.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.at == nil {
		return
	}
	q := c.sites[s.site].addresses[s.address]
	q.of(s).Remove(s.at)
	c.clock++
	s.busy, s.since = busy, c.clock
	s.at = q.of(s).PushBack(s)
	c.moved(c.sites[s.site], q)
}

// Leave gives the seat back. Leaving twice, or after evict was called, does nothing.
func (s *Seat) Leave() {
	s.crowd.mu.Lock()
	defer s.crowd.mu.Unlock()
	s.leave()
}

// leave is for holders of mu.
func (s *Seat) leave() {
	if s.at == nil {
		return
	}
	c := s.crowd
	at := c.sites[s.site]
	q := at.addresses[s.address]
	q.of(s).Remove(s.at)
	s.at = nil
	c.seats--
	at.seats--
	c.moved(at, q)
	if q.len() == 0 {
		delete(at.addresses, s.address)
	}
	if at.seats == 0 {
		delete(c.sites, s.site)
	}
}

// Len is how many are in.
func (c *Crowd) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seats
}

// Clear calls evict of everybody who is in.
func (c *Crowd) Clear() {
	c.mu.Lock()
	var all []*Seat
	for _, at := range c.sites {
		for _, q := range at.addresses {
			for _, l := range []*list.List{&q.idle, &q.busy} {
				for e := l.Front(); e != nil; e = e.Next() {
					all = append(all, e.Value.(*Seat))
				}
			}
		}
	}
	for _, s := range all {
		s.leave()
	}
	c.mu.Unlock()
	for _, s := range all {
		s.evict()
	}
}
