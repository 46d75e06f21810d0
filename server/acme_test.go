package server

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hpfriends/internal/datadir"
	"hpfriends/server/acme"
)

// valid is a Config with which a server starts, but for what a test changes.
func valid(change func(*Config)) Config {
	c := Config{DataDir: ".", Compat: "lineage", LogLevel: "info", WebConfig: WebConfig{HTTP: ":443"}}
	change(&c)
	return c
}

func TestDomainsAreChecked(t *testing.T) {
	noRoot := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(noRoot, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Config)
		want   string // in the refusal; empty: there is none
	}{
		"a root at the end": {
			func(c *Config) { c.TLS.Domains = []string{"b.example."} }, "want the name of a host",
		},
		"with commas":  {func(c *Config) { c.TLS.Domains = []string{"a.example, B.example", "a.example"} }, ""},
		"a wildcard":   {func(c *Config) { c.TLS.Domains = []string{"*.example"} }, "name each host"},
		"an address":   {func(c *Config) { c.TLS.Domains = []string{"192.0.2.1"} }, "not an address"},
		"with slashes": {func(c *Config) { c.TLS.Domains = []string{"a/../b"} }, "want the name of a host"},
		"too many":     {func(c *Config) { c.TLS.Domains = []string{many(acme.MaxDomains + 1)} }, "at most 100"},
		"files, too": {
			func(c *Config) { c.TLS.Domains, c.TLS.Cert, c.TLS.Key = []string{"a"}, "c", "k" }, "give one of them",
		},
		"no listener": {func(c *Config) { c.TLS.Domains, c.HTTP = []string{"a"}, "tcp:port=80" }, "there is none"},
		"hpfeeds only": {
			func(c *Config) { c.TLS.Domains, c.HTTP, c.Hpfeeds = []string{"a"}, "", []string{"tls:port=443"} }, "",
		},
		"no HTTPS":      {func(c *Config) { c.TLS.Domains, c.TLS.Directory = []string{"a"}, "http://ca" }, "want a URL"},
		"no such root":  {func(c *Config) { c.TLS.Domains, c.TLS.CA = []string{"a"}, noRoot }, "no certificate in PEM form"},
		"an email only": {func(c *Config) { c.TLS.Email = "you@example.org" }, "give it, too"},
	} {
		err := valid(c.change).Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	c := ACMEConfig{Domains: []string{"a.example, B.example", "a.example"}}
	if got := c.names(); !slices.Equal(got, []string{"a.example", "b.example"}) {
		t.Errorf("names are %q", got)
	}
}

func many(n int) string {
	var all []string
	for i := range n {
		all = append(all, strings.Repeat("a", i+1))
	}
	return strings.Join(all, ",")
}

// The authority is answered where TLS has these certificates, and by HTTP only on the same address.
func TestChallengesAreAnsweredWhereTheServerListens(t *testing.T) {
	for name, c := range map[string]struct {
		http, redirect string
		where          datadir.Addresses
		want           acme.Listeners
	}{
		"everywhere": {
			":443", ":80", datadir.Addresses{HTTP: "[::]:443", Redirect: "0.0.0.0:80"},
			acme.Listeners{TLSPort: 443, HTTPPort: 80},
		},
		"on one address": {
			"192.0.2.1:443", "192.0.2.1:80", datadir.Addresses{HTTP: "192.0.2.1:443", Redirect: "192.0.2.1:80"},
			acme.Listeners{Host: "192.0.2.1", TLSPort: 443, HTTPPort: 80},
		},
		"on two addresses": {
			"192.0.2.1:443", "192.0.2.2:80", datadir.Addresses{HTTP: "192.0.2.1:443", Redirect: "192.0.2.2:80"},
			acme.Listeners{Host: "192.0.2.1", TLSPort: 443},
		},
		"hpfeeds only": {
			"tcp:port=80", "", datadir.Addresses{HTTP: "[::]:80", Hpfeeds: []string{"[::]:10000", "[::]:443"}},
			acme.Listeners{TLSPort: 443},
		},
	} {
		s := Server{plan: plan{Config: valid(func(s *Config) {
			s.HTTP, s.TLS.Redirect, s.TLS.Domains = c.http, c.redirect, []string{"a.example"}
			if len(c.where.Hpfeeds) > 0 {
				s.Hpfeeds = []string{"tcp:port=10000", "tls:port=443"}
			}
		})}}
		if got := s.challenged(c.where); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
