package web

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"hpfriends/api"
)

// A page of a stranger whose name leads to a loopback address reads nothing, not even what needs no login, and whatever
// headers it sends; where this server's names are known, the same holds everywhere.
func TestForeignHostsAreRefused(t *testing.T) {
	w := newWorld(t)
	here := caller{remote: "127.0.0.1:4711"}
	pretends := caller{remote: "127.0.0.1:4711", header: http.Header{"X-Forwarded-For": {"192.0.2.1"}}}
	there := caller{remote: "192.0.2.7:4711"}
	ask := func(c caller, host string, want int) {
		t.Helper()
		if rec := w.send(c, "GET http://"+host+"/livez", nil); rec.Code != want {
			t.Errorf("%s asks for %s: %d, want %d: %s", c.remote, host, rec.Code, want, rec.Body)
		}
	}
	for _, host := range []string{"localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080", "LocalHost."} {
		ask(here, host, http.StatusOK)
	}
	ask(here, "rebound.example:8080", http.StatusMisdirectedRequest)
	ask(pretends, "rebound.example:8080", http.StatusMisdirectedRequest)
	ask(there, "feeds.example", http.StatusOK)
	ask(operator(), "hpfriends", http.StatusOK)

	w.server.AllowedHosts = []string{"feeds.example"}
	ask(there, "Feeds.Example:443", http.StatusOK)
	ask(there, "192.0.2.1", http.StatusOK)
	ask(here, "feeds.example", http.StatusOK)
	ask(there, "rebound.example", http.StatusMisdirectedRequest)
	ask(operator(), "hpfriends", http.StatusOK)

	w.server.AllowedHosts = nil
	w.server.who.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	ask(here, "feeds.example", http.StatusOK) // the proxy knows its names
}

// Metrics name everybody's authkeys: strangers do not see them, and neither do members.
func TestMetricsAreForThoseWhoSeeAll(t *testing.T) {
	w := newWorld(t)
	token := func(handle, role string) caller {
		must[api.Created](w, operator(), "POST /api/v1/users", object{"handle": handle, "role": role})
		return bearer(must[api.IssuedToken](w, as(handle), "POST /api/v1/tokens", object{}).Token)
	}
	local := caller{remote: "[::1]:4711"}
	proxied := caller{remote: "127.0.0.1:4711", header: http.Header{"X-Real-Ip": {"192.0.2.1"}}}
	cloud := caller{remote: "127.0.0.1:4711", header: http.Header{"X-Forwarded-Proto": {"https"}}}
	for name, c := range map[string]struct {
		caller
		want int
	}{
		"a stranger": {caller{}, 401}, "a stranger by a proxy": {proxied, 401}, "by another": {cloud, 401},
		"a member":   {token("bob", "member"), 403},
		"an auditor": {token("eve", "auditor"), 200}, "an admin": {token("root", "admin"), 200},
		"on the machine": {local, 200}, "the operator": {operator(), 200}, "a user by the socket": {as("bob"), 403},
	} {
		rec := w.send(c.caller, "GET http://127.0.0.1/metrics", nil)
		if rec.Code != c.want || strings.Contains(rec.Body.String(), "test_total 0") != (c.want == 200) {
			t.Errorf("%s: %d, want %d: %.100s", name, rec.Code, c.want, rec.Body)
		}
	}
	w.server.who.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("::1/128")}
	if rec := w.send(local, "GET http://127.0.0.1/metrics", nil); rec.Code != http.StatusUnauthorized {
		t.Errorf("by a trusted proxy that says nothing: %d", rec.Code)
	}
}
