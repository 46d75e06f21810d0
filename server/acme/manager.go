package acme

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3"

	"hpfriends/query/view"
	"hpfriends/server/certs"
)

// Production is the directory of Let's Encrypt.
const Production = certmagic.LetsEncryptProductionCA

// MaxDomains bounds the names of a server: each has a certificate of its own in the vault.
const MaxDomains = 100

// Config is what certificates are obtained for, and where.
type Config struct {
	Domains   []string       // names, each with a certificate of its own; the first is for who says no name
	Email     string         // that the authority writes to; empty: none
	Directory string         // URL of the authority
	Roots     *x509.CertPool // by whom its own certificate is signed
	Storage   *Storage
	Logger    *slog.Logger
}

// Listeners are where this node answers challenges. What is not bound by then certmagic would listen on itself.
type Listeners struct {
	Host     string // empty: all addresses
	TLSPort  int    // of a listener that serves TLS
	HTTPPort int    // of one that calls Answer; 0: none
}

// Manager has the certificates of the names of a server.
type Manager struct {
	config  Config
	cache   *certmagic.Cache
	certs   *certmagic.Config
	issuer  *certmagic.ACMEIssuer
	storage *Storage

	mu     sync.Mutex
	failed map[string]error // why the newest attempt for a name failed
}

const (
	// checkEvery is how often certificates are looked at, in memory. It is also how late a renewal can be.
	checkEvery = 10 * time.Second
	// cleanEvery is how often certificates that nobody renewed are looked for.
	cleanEvery = 24 * time.Hour
	// expiredKept is how long they are kept.
	expiredKept = 14 * 24 * time.Hour
)

// New returns a Manager. It must be Run, which also ends what certmagic begins here.
func New(c Config) *Manager {
	m := &Manager{config: c, storage: c.Storage, failed: make(map[string]error)}
	l := logger(c.Logger)
	m.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert:   func(certmagic.Certificate) (*certmagic.Config, error) { return m.certs, nil },
		RenewCheckInterval: checkEvery, Logger: l,
	})
	m.certs = certmagic.New(m.cache, certmagic.Config{
		Storage: c.Storage, DefaultServerName: c.Domains[0], FallbackServerName: c.Domains[0], Logger: l, OnEvent: m.note,
		OCSP: certmagic.OCSPConfig{DisableStapling: true}, DisableStorageCheck: true,
	})
	m.issuer = certmagic.NewACMEIssuer(m.certs, certmagic.ACMEIssuer{
		CA: c.Directory, Email: c.Email, Agreed: true, TrustedRoots: c.Roots, Logger: l,
	})
	m.certs.Issuers = []certmagic.Issuer{m.issuer}
	return m
}

// note remembers what became of attempts. It never refuses anything.
func (m *Manager) note(_ context.Context, event string, data map[string]any) error {
	name, _ := data["identifier"].(string)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch event {
	case "cert_obtained":
		delete(m.failed, name)
		m.config.Logger.Info("a TLS certificate is obtained", "name", name, "renewal", data["renewal"])
	case "cert_failed":
		m.failed[name], _ = data["error"].(error)
	}
	return nil
}

// Listen says where challenges are answered. It is called before anything is served, and before Run.
func (m *Manager) Listen(l Listeners) {
	m.issuer.ListenHost, m.issuer.AltTLSALPNPort = l.Host, l.TLSPort
	m.issuer.AltHTTPPort, m.issuer.DisableHTTPChallenge = l.HTTPPort, l.HTTPPort == 0
}

// failure is why the newest attempt for a name failed; nil: it did not.
func (m *Manager) failure(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failed[name]
}

// Run obtains and renews the certificates until ctx is done.
func (m *Manager) Run(ctx context.Context) error {
	defer m.storage.Close()
	defer m.cache.Stop()
	if err := m.certs.ManageAsync(ctx, m.config.Domains); err != nil {
		return fmt.Errorf("acme: %w", err)
	}
	clean := time.NewTicker(cleanEvery)
	defer clean.Stop()
	for {
		changed := m.storage.vault.Changed()
		m.follow(ctx)
		select {
		case <-changed:
		case <-clean.C:
			m.clean(ctx)
		case <-ctx.Done():
			return nil
		}
	}
}

// follow takes the certificates that another node has obtained.
func (m *Manager) follow(ctx context.Context) {
	for _, name := range m.config.Domains {
		current := m.current(name)
		stored := certmagic.StorageKeys.SiteCert(m.issuer.IssuerKey(), name)
		bundle, err := m.storage.Load(ctx, stored)
		if err != nil || current != nil && newest(bundle, current.Leaf) {
			continue
		}
		c, err := m.certs.CacheManagedCertificate(ctx, name)
		if err != nil { // its key is on the way
			continue
		}
		if c.Hash() == "" || current == nil {
			continue
		}
		var old []string
		for _, other := range m.cache.AllMatchingCertificates(name) {
			if other.Hash() != c.Hash() {
				old = append(old, other.Hash())
			}
		}
		m.cache.Remove(old)
		m.config.Logger.Info("a new TLS certificate is in use", "name", name, "until", c.Leaf.NotAfter)
	}
}

func (m *Manager) clean(ctx context.Context) {
	err := certmagic.CleanStorage(ctx, m.storage, certmagic.CleanStorageOptions{
		Logger: logger(m.config.Logger), Interval: cleanEvery / 2, ExpiredCerts: true, ExpiredCertGracePeriod: expiredKept,
	})
	if err != nil {
		m.config.Logger.Warn("old certificates are not removed", "err", err)
	}
}

// current returns the certificate of a name that handshakes take; nil: none yet.
func (m *Manager) current(name string) *tls.Certificate {
	all := m.cache.AllMatchingCertificates(name)
	if len(all) == 0 {
		return nil
	}
	return &all[0].Certificate
}

// newest reports whether a bundle begins with a certificate.
func newest(bundle []byte, leaf *x509.Certificate) bool {
	block, _ := pem.Decode(bundle)
	return block != nil && bytes.Equal(block.Bytes, leaf.Raw)
}

var errNone = errors.New("acme: there is no certificate yet")

// TLS returns how a listener speaks TLS, from a version on. It answers the authority's challenges, too.
func (m *Manager) TLS(version uint16) *tls.Config {
	c := &tls.Config{MinVersion: version, GetCertificate: m.certificate}
	challenge := &tls.Config{
		MinVersion: tls.VersionTLS12, GetCertificate: m.certs.GetCertificate, NextProtos: []string{acmez.ACMETLS1Protocol},
	}
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Equal(hello.SupportedProtos, challenge.NextProtos) {
			return challenge, nil
		}
		return nil, nil
	}
	return c
}

// certificate finds the certificate for a client: of the name that it wants, or the first that there is.
func (m *Manager) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if hello.Conn != nil { // without one certmagic panics where it has no certificate
		if c, err := m.certs.GetCertificate(hello); err == nil {
			return c, nil
		}
	}
	for _, name := range m.config.Domains {
		if c := m.current(name); c != nil {
			return c, nil
		}
	}
	return nil, errNone
}

// Host is the first name.
func (m *Manager) Host() string { return m.config.Domains[0] }

// Answer answers the authority's challenge by plain HTTP. It is false, and nothing is answered, for other requests.
func (m *Manager) Answer(w http.ResponseWriter, r *http.Request) bool {
	return m.issuer.HandleHTTPChallenge(w, r)
}

// Status says which certificates are in use.
func (m *Manager) Status() (all []view.Certificate) {
	for _, name := range m.config.Domains {
		if c := m.current(name); c != nil {
			one := certs.Describe(c, "automatic: "+name)
			if err := m.failure(name); err != nil {
				one.Problem = err.Error()
			}
			all = append(all, one)
		}
	}
	return all
}

// Warnings says of which names there is no certificate, and why.
func (m *Manager) Warnings() (all []string) {
	for _, name := range m.config.Domains {
		if m.current(name) != nil {
			continue
		}
		why := "it is on its way"
		if err := m.failure(name); err != nil {
			why = err.Error()
		}
		all = append(all, fmt.Sprintf("there is no TLS certificate for %s yet: %s", name, why))
	}
	return all
}
