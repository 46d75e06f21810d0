package who

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Address returns the address that a request comes from. X-Forwarded-For is read from its end, and only as far as the
// network of a trusted proxy put it there: what is further left is whatever the client sent. ok is false on the local
// socket.
func (a *Authenticator) Address(r *http.Request) (addr netip.Addr, ok bool) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	addr = peer.Addr().Unmap().WithZone("")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && a.Trusts(addr); i-- {
		hop, ok := parseHop(strings.TrimSpace(hops[i]))
		if !ok {
			break
		}
		addr = hop
	}
	return addr, true
}

// parseHop reads an address with or without a port: 192.0.2.1, 192.0.2.1:8080, 2001:db8::1, [2001:db8::1]:8080.
func parseHop(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		p, err := netip.ParseAddrPort(s)
		if err != nil {
			return netip.Addr{}, false
		}
		a = p.Addr()
	}
	return a.Unmap().WithZone(""), true
}

// Trusts reports whether an address is a trusted proxy's.
func (a *Authenticator) Trusts(addr netip.Addr) bool {
	return slices.ContainsFunc(a.TrustedProxies, func(n netip.Prefix) bool { return n.Contains(addr) })
}
