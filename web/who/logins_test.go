package who

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// Guessing is slowed down where it comes from; the account stays open for others, and tokens always work.
func TestLoginLimiter(t *testing.T) {
	now := time.Now()
	l := newLogins()
	try := func(handle, addr string, after time.Duration) bool {
		return l.allow(handle, netip.MustParseAddr(addr), now.Add(after))
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
		l.allow("ada", netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), now)
	}
	if len(l.seen) > maxLimiters+2 {
		t.Fatalf("%d limiters", len(l.seen))
	}
	in := 0
	for i := range 1000 {
		if l.allow("ada", netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}), now.Add(2*time.Second)) {
			in++
		}
	}
	if in != 10 || len(l.seen) > maxLimiters+2 {
		t.Errorf("in 2 s a spray lets %d of 1000 others in, want 10; there are %d limiters", in, len(l.seen))
	}
	if !l.allow("ada", netip.MustParseAddr("192.0.2.1"), now.Add(time.Minute)) || len(l.seen) > 2 {
		t.Errorf("after a minute it still remembers %d", len(l.seen))
	}
}

// Who has a /48 of IPv6, and guesses from each of its networks, leaves room for others.
func TestOneSiteLeavesRoomForLogins(t *testing.T) {
	now := time.Now()
	l, in := newLogins(), 0
	for i := range 1 << 16 {
		if l.allow("ada", netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 6: byte(i >> 8), 7: byte(i)}), now) {
			in++
		}
	}
	if in != 100 || len(l.seen) > 300 {
		t.Errorf("%d logins of one /48, want 100; there are %d limiters", in, len(l.seen))
	}
	for i := range 100 {
		if !l.allow("ada", netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 1, byte(i)}), now) {
			t.Fatalf("login %d from elsewhere is refused", i)
		}
	}
}
