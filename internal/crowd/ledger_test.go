package crowd

import (
	"net/netip"
	"testing"
	"time"
)

// Who has had less goes first: by site, and in a site by address. What was long ago is forgotten.
func TestWhoHasHadLessGoesFirst(t *testing.T) {
	var l Ledger
	now := time.Unix(1e9, 0)
	greedy, neighbour := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	other := netip.MustParseAddr("198.51.100.1")
	before := func(a, b netip.Addr) bool { return l.Before(Address(a), Address(b)) }
	l.Add(Address(greedy), time.Second, now)
	l.Add(Address(other), 10*time.Millisecond, now)
	for _, want := range [][2]netip.Addr{{other, greedy}, {other, neighbour}, {neighbour, greedy}} {
		if !before(want[0], want[1]) || before(want[1], want[0]) {
			t.Errorf("%s does not go before %s", want[0], want[1])
		}
	}
	l.Add(Address(other), 900*time.Millisecond, now.Add(time.Minute))
	if !before(greedy, other) {
		t.Error("what was a minute ago counts as if it were now")
	}
	many := func(net byte, n int, now time.Time) {
		for i := range n {
			l.Add(Address(netip.AddrFrom4([4]byte{net, byte(i >> 16), byte(i >> 8), byte(i)})), time.Second, now)
		}
		if n := len(l.accounts); n > maxAccounts {
			t.Errorf("%d accounts", n)
		}
	}
	many(10, maxAccounts*3/4, now)
	now = now.Add(time.Hour)
	l.Add(Address(greedy), time.Second, now)
	if many(11, maxAccounts/3, now); !before(neighbour, greedy) {
		t.Error("who has had something now is forgotten with those of an hour ago")
	}
	many(12, 4*maxAccounts, now)
}
