// Package freeport gives tests TCP ports for processes that must know their port before they start, or start on it
// again.
//
// To listen on port 0, close, and hand on the number is not enough: until the process listens, the kernel may give the
// port to any connection that somebody dials, or to another test that asks the same. So these ports lie below those
// that the kernel gives out by itself (from 32768 on Linux, from 49152 elsewhere), and the UDP port of the same number
// is held as a sign to other tests, also of other processes.
package freeport

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
)

const lowest, end = 10240, 32768

// On127 is an address on 127.0.0.1 that nobody listens on, and that nobody else is given before the test has ended.
func On127(t testing.TB) string {
	t.Helper()
	for range 1000 {
		if address, release := take(uint16(lowest + rand.IntN(end-lowest))); release != nil {
			t.Cleanup(release)
			return address
		}
	}
	t.Fatal("no free port on 127.0.0.1")
	return ""
}

// take holds a port; without release it is somebody's.
func take(port uint16) (address string, release func()) {
	a := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
	sign, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(a))
	if err != nil {
		return "", nil
	}
	l, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(a))
	if err != nil {
		_ = sign.Close()
		return "", nil
	}
	_ = l.Close()
	return a.String(), func() { _ = sign.Close() }
}
