package live

import (
	"net/netip"
	"testing"

	"hpfriends/internal/crowd"
)

// Strangers take the seats of their own address, and neither each other's nor those of the user whom the kiosk shows.
func TestStrangersHaveSeatsOfTheirOwn(t *testing.T) {
	s := New(Config{})
	at := func(address string) party {
		return party{stranger: true, address: crowd.Address(netip.MustParseAddr(address))}
	}
	fill := func(p party) (n int) {
		for n <= maxStreams && s.enter(p) {
			n++
		}
		return n
	}
	for p, want := range map[party]int{
		at("192.0.2.1"): maxKiosksPerAddress, at("192.0.2.2"): maxKiosksPerAddress, {user: 1}: maxStreamsPerUser,
	} {
		if got := fill(p); got != want {
			t.Errorf("%v gets %d seats, want %d", p, got, want)
		}
	}
	for a := netip.MustParseAddr("198.51.0.0"); fill(at(a.String())) > 0; a = a.Next() {
	}
	if got := fill(party{user: 2}); got != maxStreamsPerUser || s.total[true] != maxKiosks {
		t.Errorf("strangers have %d seats, and leave %d to a user", s.total[true], got)
	}
	s.leave(party{user: 2})
	if !s.enter(party{user: 2}) {
		t.Error("who leaves leaves no room")
	}
}
