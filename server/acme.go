package server

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"hpfriends/internal/authorities"
	"hpfriends/internal/datadir"
	"hpfriends/internal/readfile"
	"hpfriends/internal/secret"
	"hpfriends/server/acme"
	"hpfriends/wire"
)

// ACMEConfig is for which names certificates are obtained by themselves, and where.
type ACMEConfig struct {
	Domains   []string `yaml:"domain" json:"domain"` // each may be several, with commas between
	Email     string   `yaml:"acme-email" json:"acme-email"`
	Directory string   `yaml:"acme-directory" json:"acme-directory"`
	CA        string   `yaml:"acme-ca" json:"acme-ca"`
}

// names are the domains, each once.
func (c ACMEConfig) names() (all []string) {
	for _, text := range c.Domains {
		for name := range strings.SplitSeq(text, ",") {
			name = strings.ToLower(strings.TrimSpace(name))
			if name != "" && !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

func (s Config) validateACME() error {
	c := s.TLS.ACMEConfig
	names := c.names()
	switch {
	case len(names) == 0 && (c.Email != "" || c.CA != ""):
		return badConfig("--acme-email and --acme-ca are for certificates that --domain obtains: give it, too")
	case len(names) == 0:
		return nil
	case len(names) > acme.MaxDomains:
		return badConfig("--domain: %d names, at most %d", len(names), acme.MaxDomains)
	case s.TLS.Cert != "":
		return badConfig("--domain obtains the certificate that --tls-cert has: give one of them")
	}
	for _, name := range names {
		if err := checkDomain(name); err != nil {
			return badConfig("--domain %s: %v", name, err)
		}
	}
	if u, err := url.Parse(s.directory()); err != nil || u.Scheme != "https" || u.Host == "" {
		return badConfig("--acme-directory %s: want a URL like %s", c.Directory, acme.Production)
	}
	if _, err := s.roots(); err != nil {
		return badConfig("--acme-ca: %v", err)
	}
	if e, err := s.httpEndpoint(); err == nil && s.automatic(e) {
		return nil
	}
	for _, text := range s.Hpfeeds {
		if e, err := wire.ParseEndpoint(text); err == nil && s.automatic(e) {
			return nil
		}
	}
	return badConfig("--domain is for --http and tls: endpoints without a certificate of their own: there is none")
}

// checkDomain refuses what no certificate can be obtained for by the challenges that a server can answer.
func checkDomain(name string) error {
	switch {
	case strings.HasPrefix(name, "*"):
		return fmt.Errorf("certificates for all names of a domain need its DNS: name each host")
	case net.ParseIP(name) != nil:
		return fmt.Errorf("want a name, not an address")
	case len(name) > 253, strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "",
		strings.Contains(name, ".."), strings.Trim(name, ".-") != name:
		return fmt.Errorf("want the name of a host, like broker.example.org")
	}
	return nil
}

// directory is the URL of the authority.
func (s Config) directory() string {
	if s.TLS.Directory == "" {
		return acme.Production
	}
	return s.TLS.Directory
}

// roots are by whom the authority's own certificate is signed.
func (s Config) roots() (*x509.CertPool, error) {
	if s.TLS.CA == "" {
		return authorities.Known(), nil
	}
	pem, err := readfile.UpTo(s.TLS.CA, 16<<20)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s has no certificate in PEM form", s.TLS.CA)
	}
	return pool, nil
}

// automatic reports whether an endpoint has the certificates that --domain obtains.
func (s Config) automatic(e wire.Endpoint) bool {
	return e.TLS != nil && !e.TLS.Own() && len(s.TLS.names()) > 0
}

// openACME makes what obtains certificates, if that is wanted.
func (s *Server) openACME(key *secret.DataKey) error {
	names := s.TLS.names()
	if len(names) == 0 {
		return nil
	}
	roots, err := s.roots()
	if err != nil {
		return badConfig("--acme-ca: %v", err)
	}
	s.acme = acme.New(acme.Config{
		Domains: names, Email: s.TLS.Email, Directory: s.directory(), Roots: roots, Logger: s.Logger,
		Storage: acme.NewStorage(s.node.Vault(), key, s.node.Now, s.Logger),
	})
	s.certs.Add(s.acme)
	return nil
}

// challenged says where the authority's challenges are answered: on a listener with TLS, and on the one that leads
// there if it listens on the same host.
func (s *Server) challenged(a datadir.Addresses) (l acme.Listeners) {
	var tls []string
	if e, err := s.httpEndpoint(); err == nil && s.automatic(e) {
		tls = append(tls, a.HTTP)
	}
	for i, text := range s.Hpfeeds {
		if e, err := wire.ParseEndpoint(text); err == nil && s.automatic(e) {
			tls = append(tls, a.Hpfeeds[i])
		}
	}
	l.Host, l.TLSPort = hostAndPort(tls[0]) // there is one: see validateACME
	if host, port := hostAndPort(a.Redirect); host == l.Host {
		l.HTTPPort = port
	}
	return l
}

// hostAndPort splits an address; the host is empty where all are meant.
func hostAndPort(address string) (host string, port int) {
	host, text, _ := net.SplitHostPort(address)
	if ip := net.ParseIP(host); ip.IsUnspecified() {
		host = ""
	}
	port, _ = strconv.Atoi(text)
	return host, port
}
