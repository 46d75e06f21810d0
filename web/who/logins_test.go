package who

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"hpfriends/internal/crowd"
)

// Guessing is slowed down where it comes from; the account stays open for others, and tokens always work.
func TestLoginLimiter(t *testing.T) {
	now := time.Now()
	l := newLogins()
	try := func(handle, addr string, after time.Duration) bool {
		return l.allow(handle, netip.MustParseAddr(addr), false, now.Add(after))
	}
	for i := range 5 {
		if !try("ada", "192.0.2.1", 0) {
			t.Fatalf("login %d is refused", i)
		}
	}
	for _, tt := range []struct {
		what, handle, addr string
		after              time.Duration
		want               bool
	}{
		{"a sixth", "ada", "192.0.2.1", 0, false},
		{"in other letters", "ADA", "192.0.2.1", 0, false},
		{"from elsewhere", "ada", "192.0.2.2", 0, true},
		{"another account", "bob", "192.0.2.1", 0, true},
		{"twelve seconds later", "ada", "192.0.2.1", 13 * time.Second, true},
		{"and again at once", "ada", "192.0.2.1", 13 * time.Second, false},
	} {
		if got := try(tt.handle, tt.addr, tt.after); got != tt.want {
			t.Errorf("%s: %v", tt.what, got)
		}
	}
	allowed := 0
	for i := range 200 { // many accounts from one network of IPv6, which has addresses without number
		if try(fmt.Sprint("u", i), fmt.Sprintf("2001:db8::%x", i), 0) {
			allowed++
		}
	}
	if allowed != 20 {
		t.Errorf("%d logins from one /64, want 20", allowed)
	}
}

// When its memory is full, the limiter forgets what limits nothing any more, and nothing else; the others share.
func TestLoginLimiterIsBounded(t *testing.T) {
	now := time.Now()
	l := newLogins()
	for i := range maxLimiters {
		l.allow("ada", netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), false, now)
	}
	if len(l.seen) > maxLimiters+2 {
		t.Fatalf("%d limiters", len(l.seen))
	}
	in := 0
	for i := range 1000 {
		if l.allow("ada", netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}), false, now.Add(2*time.Second)) {
			in++
		}
	}
	if in != 10 || len(l.seen) > maxLimiters+2 {
		t.Errorf("in 2 s a spray lets %d of 1000 others in, want 10; there are %d limiters", in, len(l.seen))
	}
	if !l.allow("ada", netip.MustParseAddr("192.0.2.1"), false, now.Add(time.Minute)) || len(l.seen) > 2 {
		t.Errorf("after a minute it still remembers %d", len(l.seen))
	}
}

// Who has a /48 of IPv6, and guesses from each of its networks, leaves room for others, and their neighbours that were
// there before, or are logged in, do not notice. Neither do they of one who guesses from one network.
func TestOneSiteLeavesRoomForLogins(t *testing.T) {
	now := time.Now()
	l, in := newLogins(), 0
	network := func(site, i int) netip.Addr {
		return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(site), 6: byte(i >> 8), 7: byte(i)})
	}
	for range 1000 {
		l.allow("ada", network(0, 1), false, now)
	}
	if !l.allow("ada", network(0, 2), false, now) {
		t.Error("one network keeps its neighbour out")
	}
	for i := range 1 << 16 {
		if l.allow("ada", network(0, i), false, now) {
			in++
		}
	}
	if in > maxOfSite || len(l.seen) > maxOfSite+10 || l.sites[crowd.Site(network(0, 0))] != len(l.seen) {
		t.Errorf("%d logins of one /48; there are %d limiters, %v", in, len(l.seen), l.sites)
	}
	for _, c := range []struct {
		who      string
		site, at int
		known    bool
		want     bool
	}{
		{"from elsewhere", 1, 0, false, true},
		{"a neighbour who was there", 0, 2, false, true},
		{"a neighbour who is logged in", 0, 60000, true, true},
		{"one network more", 0, 60001, false, false},
	} {
		if got := l.allow("ada", network(c.site, c.at), c.known, now); got != c.want {
			t.Errorf("%s: %t, want %t", c.who, got, c.want)
		}
	}
	l.sweep(now.Add(time.Hour))
	if len(l.seen)+len(l.sites) != 0 {
		t.Errorf("after hours there are %d limiters, of %d sites", len(l.seen), len(l.sites))
	}
}
