package server

import (
	"cmp"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"

	"hpfriends/server/certs"
	"hpfriends/wire"
)

// TLSConfig is the certificate of listeners that have none of their own.
type TLSConfig struct {
	Cert     string `yaml:"tls-cert" json:"tls-cert"`
	Key      string `yaml:"tls-key" json:"tls-key"`
	Redirect string `yaml:"http-redirect" json:"http-redirect"`

	ACMEConfig `yaml:",inline"`
}

// has reports whether there is a certificate for listeners that have none of their own.
func (c TLSConfig) has() bool { return c.Cert != "" || len(c.names()) > 0 }

func (s Config) validateTLS() error {
	var all []error
	wrong := func(format string, args ...any) { all = append(all, badConfig(format, args...)) }
	if (s.TLS.Cert == "") != (s.TLS.Key == "") {
		wrong("--tls-cert and --tls-key belong together")
	}
	e, bad := s.httpEndpoint()
	if bad != nil {
		wrong("--http %s: %v", s.HTTP, bad)
	}
	all = append(all, s.validateACME())
	if s.TLS.Redirect == "" {
		return errors.Join(all...)
	}
	if err := CheckAddress(s.TLS.Redirect); err != nil {
		wrong("--http-redirect %s: %v", s.TLS.Redirect, err)
	}
	if bad == nil && (s.HTTP == "" || e.TLS == nil) {
		wrong("--http-redirect leads to HTTPS: give --tls-cert and --tls-key, or --domain, too")
	}
	return errors.Join(all...)
}

// httpEndpoint is where HTTP is served: HOST:PORT, which speaks TLS if the server has a certificate, or an endpoint
// that says so itself.
func (s Config) httpEndpoint() (e wire.Endpoint, err error) {
	switch kind, _, _ := strings.Cut(s.HTTP, ":"); {
	case s.HTTP == "":
		return e, nil
	case kind == "tcp" || kind == "tls" || kind == "ssl":
		return wire.ParseEndpoint(s.HTTP)
	}
	if err := CheckAddress(s.HTTP); err != nil {
		return e, err
	}
	host, port, _ := net.SplitHostPort(s.HTTP)
	n, err := net.LookupPort("tcp", port)
	if err != nil {
		return e, err
	}
	e.Interface, e.Port = host, uint16(n)
	if s.TLS.has() {
		e.TLS = &wire.EndpointTLS{MinVersion: tls.VersionTLS12}
	}
	return e, nil
}

// proxied is how many endpoints stand behind proxies that send a PROXY header.
func (s Config) proxied() (n int) {
	for _, text := range s.Hpfeeds {
		if e, err := wire.ParseEndpoint(text); err == nil && len(e.Proxies) > 0 {
			n++
		}
	}
	if e, err := s.httpEndpoint(); err == nil && len(e.Proxies) > 0 {
		n++
	}
	return n
}

// CertFiles names the certificate by which an endpoint speaks TLS, and its key; empty: they are in no files.
func (s Config) CertFiles(e wire.EndpointTLS) (cert, key string) {
	switch {
	case s.automatic(wire.Endpoint{TLS: &e}):
		return "", ""
	case e.Own() || !s.TLS.has():
		return e.Files()
	}
	return s.TLS.Cert, s.TLS.Key
}

// tlsConfig is how an endpoint speaks TLS.
func (s *Server) tlsConfig(e wire.EndpointTLS) (*tls.Config, error) {
	if s.automatic(wire.Endpoint{TLS: &e}) {
		return s.acme.TLS(e.MinVersion), nil
	}
	var files certs.Files
	files.Cert, files.Key = s.CertFiles(e)
	pair, err := s.certs.Open(files)
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: e.MinVersion, GetCertificate: pair.Certificate}, nil
}

// openTLS is tlsConfig, at the start: it says so when an endpoint takes what is given up.
func (s *Server) openTLS(e wire.Endpoint) (*tls.Config, error) {
	if e.TLS == nil {
		return nil, nil
	}
	if e.TLS.Old() {
		s.Logger.Warn("this endpoint takes TLS versions that are given up, and that can be broken: let only the old sensors "+
			"that need them use it", "endpoint", e.String())
	}
	tc, err := s.tlsConfig(*e.TLS)
	if err != nil {
		return nil, badConfig("TLS of %s: %v", e, err)
	}
	return tc, nil
}

// pagesURL is where people find the pages that a listener serves; automatic is the name of a certificate that may still
// be on its way, or empty.
func pagesURL(l net.Addr, tc *tls.Config, automatic string) string {
	host, port, err := net.SplitHostPort(l.String())
	if err != nil {
		return ""
	}
	if net.ParseIP(host).IsUnspecified() {
		host = "localhost"
	}
	u, usual := url.URL{Scheme: "http", Host: net.JoinHostPort(host, port)}, 80
	if tc != nil {
		u.Scheme, usual = "https", 443
		if name := cmp.Or(automatic, certifiedName(tc)); name != "" {
			u.Host = net.JoinHostPort(name, port)
		}
	}
	if port == strconv.Itoa(usual) {
		u.Host = strings.TrimSuffix(u.Host, ":"+port)
	}
	return u.String()
}

// certifiedName is the first host that a listener's certificate is for.
func certifiedName(tc *tls.Config) string {
	c, err := tc.GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		return ""
	}
	for _, name := range c.Leaf.DNSNames {
		if !strings.HasPrefix(name, "*") {
			return name
		}
	}
	return ""
}
