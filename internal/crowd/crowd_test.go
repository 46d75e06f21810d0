package crowd

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"
)

var honest = netip.MustParseAddr("192.0.2.1")

// Whoever floods, from one address, one site or many sites: somebody who comes alone is not the one who leaves while he
// needs only a moment.
func TestFloodClosesItsOwn(t *testing.T) {
	for what, from := range map[string]func(i int) netip.Addr{
		"one address": func(int) netip.Addr { return netip.MustParseAddr("203.0.113.1") },
		"five addresses": func(i int) netip.Addr {
			return netip.AddrFrom4([4]byte{203, 0, byte(i % 5), 1})
		},
		"a /24": func(i int) netip.Addr { return netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}) },
		"a /48": func(i int) netip.Addr {
			return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, 1, byte(i >> 8), byte(i), 15: byte(i)})
		},
		"every /24 there is": func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}) },
	} {
		t.Run(what, func(t *testing.T) {
			c, evicted := New(100, 0), 0
			for i := range 1000 {
				c.Enter(from(i), func() { evicted++ })
			}
			s := c.Enter(honest, func() { t.Error("the honest one had to go") })
			for i := range 99 { // meanwhile
				c.Enter(from(1000+i), func() { evicted++ })
			}
			if c.Len() != 100 || evicted != 1000 {
				t.Errorf("%d are in, %d had to go", c.Len(), evicted)
			}
			s.Leave()
			s.Leave()
			if c.Len() != 99 {
				t.Errorf("%d are in after one has left", c.Len())
			}
		})
	}
}

func TestOneAddressHasItsShare(t *testing.T) {
	c, evicted := New(100, 25), []int{}
	for i := range 30 {
		c.Enter(honest, func() { evicted = append(evicted, i) })
	}
	if !slices.Equal(evicted, []int{0, 1, 2, 3, 4}) || c.Len() != 25 {
		t.Errorf("%v had to go, %d are in", evicted, c.Len())
	}
}

func TestAddressesAndSites(t *testing.T) {
	for _, same := range [][2]string{
		{"2001:db8::1", "2001:db8::ffff:1"}, {"fe80::1%eth0", "fe80::1"}, {"::ffff:192.0.2.1", "192.0.2.1"},
	} {
		if a, b := netip.MustParseAddr(same[0]), netip.MustParseAddr(same[1]); Address(a) != Address(b) {
			t.Errorf("%s and %s are two", a, b)
		}
	}
	if a, b := netip.MustParseAddr("2001:db8:0:1::1"), netip.MustParseAddr("2001:db8::1"); Address(a) == Address(b) ||
		Site(a) != Site(b) {
		t.Errorf("%s and %s: want two addresses of one site", a, b)
	}
	if Address(netip.Addr{}).IsValid() {
		t.Error("no address has a network")
	}
}

// guest is somebody of the model.
type guest struct {
	*Seat
	addr  netip.Addr
	busy  bool
	since int
}

func (g *guest) compare(h *guest) int {
	if g.busy != h.busy {
		if g.busy {
			return 1
		}
		return -1
	}
	return cmp.Compare(g.since, h.since)
}

// modelVictim says by sorting who has to go.
func modelVictim(in []*guest) *guest {
	count := map[netip.Prefix]int{}
	for _, g := range in {
		count[Site(g.addr)]++
		count[Address(g.addr)]++
	}
	of := map[netip.Prefix]*guest{} // by site
	for _, g := range in {
		v := of[Site(g.addr)]
		if v == nil || cmp.Or(cmp.Compare(count[Address(v.addr)], count[Address(g.addr)]), g.compare(v)) < 0 {
			of[Site(g.addr)] = g
		}
	}
	return slices.MinFunc(slices.Collect(maps.Values(of)), func(a, b *guest) int {
		return cmp.Or(cmp.Compare(count[Site(b.addr)], count[Site(a.addr)]), a.compare(b))
	})
}

func TestAgainstModel(t *testing.T) {
	evictions := 0
	for seed := range uint64(200) {
		roll := rand.New(rand.NewPCG(seed, 1))
		c := New(1+roll.IntN(12), 0)
		var in []*guest
		var evicted *guest
		for clock := range 300 {
			if roll.IntN(5) < 3 {
				var want *guest
				if len(in) == c.most {
					want = modelVictim(in)
					evictions++
				}
				evicted = nil
				g := &guest{addr: netip.AddrFrom4([4]byte{10, 0, byte(roll.IntN(3)), byte(roll.IntN(3))}), since: clock}
				g.Seat = c.Enter(g.addr, func() { evicted = g })
				in = append(in, g)
				if evicted != want {
					t.Fatalf("seed %d, step %d: %+v had to go, want %+v", seed, clock, evicted, want)
				}
			} else if len(in) > 0 {
				g := in[roll.IntN(len(in))]
				if roll.IntN(2) == 0 {
					g.Leave()
				} else {
					g.busy, g.since = !g.busy, clock
					g.Busy(g.busy)
				}
			}
			in = slices.DeleteFunc(in, func(g *guest) bool { return g.at == nil })
			if c.Len() != len(in) {
				t.Fatalf("seed %d, step %d: %d are in, want %d", seed, clock, c.Len(), len(in))
			}
		}
	}
	if evictions < 1000 {
		t.Errorf("only %d had to go", evictions)
	}
}

// Networks that come one after the other, each with one seat, cost no more when all seats are theirs: a flood from
// thousands of networks, as whoever has a large IPv6 network may send, must not hold up those who accept.
func TestManyNetworksCostNoMore(t *testing.T) {
	const seats, comers = 1 << 14, 1 << 14
	c := New(seats, 0)
	evicted := 0
	begin := time.Now()
	for i := range seats + comers {
		a := netip.AddrFrom16([16]byte{0x20, 1, byte(i >> 16), byte(i >> 8), byte(i)})
		c.Enter(a, func() { evicted++ }).Busy(i%2 == 0)
	}
	if evicted != comers || c.Len() != seats {
		t.Errorf("%d had to go and %d are in, want %d and %d", evicted, c.Len(), comers, seats)
	}
	// Looking at all networks for each takes minutes.
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("%d newcomers took %v", comers, took)
	}
}
