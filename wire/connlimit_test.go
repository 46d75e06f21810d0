package wire

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"hpfriends/internal/crowd"
)

func limiterOf(c Config) *connLimiter { return newConnLimiter(c.withDefaults()) }

func addr(s string) netip.Prefix { return crowd.Address(netip.MustParseAddr(s)) }

func TestConnectionLimits(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	a, b := addr("198.51.100.1"), addr("198.51.100.2")
	t.Run("per address", func(t *testing.T) {
		g := limiterOf(Config{MaxConnsPerAddr: 1})
		if !g.admit(a, now) || g.admit(a, now) || !g.admit(b, now) {
			t.Error("want one of each address")
		}
		g.login(a)
		if g.admit(a, now) {
			t.Error("a login makes room")
		}
		g.release(a, true)
		if !g.admit(a, now) {
			t.Error("leaving does not make room")
		}
	})
	t.Run("total", func(t *testing.T) {
		g := limiterOf(Config{MaxConns: 2})
		if !g.admit(a, now) || !g.admit(b, now) {
			t.Error("want two while nobody has logged in")
		}
		if g.login(a); g.admit(b, now) {
			t.Error("want one that has logged in")
		}
	})
}

func TestConnectRateCountsOnlyWhoDoesNotLogIn(t *testing.T) {
	now, a := time.Unix(1_800_000_000, 0), addr("198.51.100.1")
	g := limiterOf(Config{ConnectRate: 2})
	for range 1000 { // opens a connection for each event, and logs in
		if !g.admit(a, now) {
			t.Fatal("a client that logs in is held back")
		}
		g.login(a)
		g.release(a, true)
	}
	in := 0
	for range 1000 { // all of them within 5 s
		if now = now.Add(5 * time.Millisecond); g.admit(a, now) {
			g.release(a, false)
			in++
		}
	}
	if in < 20 || in > 31 {
		t.Errorf("%d connections in 5 s at a rate of 2 with a burst of 20", in)
	}
	if b := addr("198.51.100.2"); !g.admit(b, now) {
		t.Error("another address is held back")
	}
}

func TestConnLimiterForgetsAddresses(t *testing.T) {
	g := limiterOf(Config{})
	now := time.Unix(1_800_000_000, 0)
	stays := addr("203.0.113.1")
	g.admit(stays, now)
	for i := range 4 * maxIdleAddrs {
		a := crowd.Address(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
		if g.admit(a, now) {
			g.release(a, false)
		}
	}
	if len(g.addrs) > maxIdleAddrs+2 {
		t.Errorf("%d addresses remembered", len(g.addrs))
	}
	if g.addrs[stays] == nil || g.conns != 1 {
		t.Errorf("the one that is connected: %v, with %d connections", g.addrs[stays], g.conns)
	}
	g.release(stays, false)
	if g.evict(now.Add(time.Minute)); len(g.addrs) != 0 {
		t.Errorf("%d addresses remembered after a minute", len(g.addrs))
	}
}

// Who only connects makes room for who comes after him, and is told so; who has logged in stays.
func TestStrangersMakeRoom(t *testing.T) {
	f := start(t, Config{MaxPending: 2})
	alice := f.login("alice")
	alice.wantOpen()
	crowd := []*peer{f.dial(), f.dial(), f.dial(), f.dial()}
	for _, p := range crowd[:2] {
		p.wantError("Too many connections, try again later.")
		p.wantClosed()
	}
	f.login("bob").wantOpen()
	crowd[2].wantError("Too many connections, try again later.")
	crowd[3].send(crowd[3].auth("carol"))
	crowd[3].wantOpen()
	alice.wantOpen()
	if r := f.hub.refused(); len(r) != 3 || r[0].Reason != ReasonTooMany {
		t.Errorf("reported %v, want three of too many", r)
	}
}

// However few connections there may be, those that do not log in leave room for those that do.
func TestStrangersLeaveRoomOfFew(t *testing.T) {
	f := start(t, Config{MaxConns: 8})
	for range 40 {
		c, err := net.Dial("tcp", f.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	for range 6 {
		f.login("alice").wantOpen()
	}
	f.connect().wantError("Too many connections, try again later.")
}

func TestConfig(t *testing.T) {
	for i, c := range []Config{
		{Name: fmt.Sprintf("%256d", 1)}, {Compat: 7}, {AuthTimeout: -1}, {FrameTimeout: -1}, {MaxConns: -1},
		{MaxConnsPerAddr: -1},
		{MaxPending: -1}, {ConnectRate: -1}, {Limits: Limits{MaxPayload: -1}}, {Limits: Limits{MaxPayload: 1<<30 + 1}},
	} {
		if _, err := NewServer(c, &hub{}); err == nil {
			t.Errorf("config %d is taken", i)
		}
	}
	c := Config{}.withDefaults()
	if c.Compat != Lineage || c.AuthTimeout != 10*time.Second || c.FrameTimeout != time.Minute || c.MaxPending != 1000 ||
		c.Limits.MaxPayload != 10<<20 || c.MaxConns < 256 || c.Logger == nil || c.Name == "" {
		t.Errorf("defaults are %+v", c)
	}
}
