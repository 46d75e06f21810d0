package web

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/web/who"
)

// knownHosts lets a browser ask by this server's own names only, where these are known: a page of a stranger can make
// its own name lead to a loopback address (DNS rebinding), and then reads what needs no login. Addresses are no names,
// and localhost is nobody's.
func (s *Server) knownHosts(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.knowsHost(r) {
			api.NewProblem(http.StatusMisdirectedRequest, api.Denied, "this server is not called "+graph.Clip(r.Host),
				"use its address, or start it with --allowed-hosts NAME").Write(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) knowsHost(r *http.Request) bool {
	host := hostname(r.Host)
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || host == "" || isAddress(host) || strings.EqualFold(host, "localhost") {
		return true // the first is the local socket
	}
	if len(s.AllowedHosts) == 0 { // who listens on the network, or behind a proxy, has names that we do not know
		return !peer.Addr().Unmap().IsLoopback() || s.who.Trusts(peer.Addr().Unmap())
	}
	return slices.ContainsFunc(s.AllowedHosts, func(name string) bool { return strings.EqualFold(name, host) })
}

// hostname is a Host header's without its port.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimSuffix(strings.Trim(host, "[]"), ".")
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// proxyHeaders are what proxies add, beside X-Forwarded-*.
var proxyHeaders = map[string]bool{
	"Forwarded": true, "Via": true, "X-Real-Ip": true, "X-Client-Ip": true, "X-Original-Host": true,
	"X-Original-Url": true, "True-Client-Ip": true, "Cf-Connecting-Ip": true,
	"Fastly-Client-Ip": true, "X-Cluster-Client-Ip": true,
}

// here reports whether a request was made on this machine, and by no proxy on it. A proxy that says nothing of those
// whom it asks for looks like any program here: it has to be named by --trusted-proxies.
func (s *Server) here(r *http.Request) bool {
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Forwarded-") || proxyHeaders[name] {
			return false
		}
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && peer.Addr().Unmap().IsLoopback() && !s.who.Trusts(peer.Addr().Unmap())
}

// forScrapers serves who may see all idents and channels: who asks on this machine, by no proxy, or an admin or auditor
// by an API token.
func (s *Server) forScrapers(next http.Handler, ask who.Authenticate) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.here(r) { // by one of its names: the others do not come here
			next.ServeHTTP(w, r)
			return
		}
		a, err := ask(r)
		if err != nil {
			s.refuse(w, r, a, err)
			return
		}
		if !s.Query.Viewer(a).CanSeeAll() {
			api.NewProblem(http.StatusForbidden, api.Denied, "metrics name everybody's authkeys",
				"use an API token of an admin or auditor, or ask on the server's own machine").Write(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}
