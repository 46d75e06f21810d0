package certs

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"hpfriends/query/view"
)

// Store has the certificates of a server.
type Store struct {
	logger *slog.Logger

	mu        sync.Mutex
	pairs     []*Pair
	automatic Automatic // nil: none
}

// Automatic has certificates that are in no file of ours.
type Automatic interface {
	// Status says which are in use.
	Status() []view.Certificate
	// Warnings says which are missing.
	Warnings() []string
}

// Add has a Store tell of other certificates, too.
func (s *Store) Add(a Automatic) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.automatic = a
}

// others are those that are in no file.
func (s *Store) others() Automatic {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.automatic
}

// NewStore returns a Store without certificates.
func NewStore(l *slog.Logger) *Store { return &Store{logger: l} }

// Open returns the pair in files, which is read at the first call.
func (s *Store) Open(f Files) (*Pair, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.pairs {
		if p.Files == f {
			return p, nil
		}
	}
	p, err := load(f)
	if err != nil {
		return nil, err
	}
	s.pairs = append(s.pairs, p)
	if leaf := p.current.Load().Leaf; time.Now().After(leaf.NotAfter) {
		s.logger.Warn("the TLS certificate has expired: renew it", "cert", f.Cert, "until", leaf.NotAfter)
	}
	return p, nil
}

// checkEvery is how often files are looked at.
const checkEvery = time.Second

// Watch takes new certificates from the files until ctx is done.
func (s *Store) Watch(ctx context.Context) error {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_ = s.refresh(false)
		case <-ctx.Done():
			return nil
		}
	}
}

// Reload takes new certificates from the files now. The error names what cannot be used.
func (s *Store) Reload() error { return s.refresh(true) }

func (s *Store) refresh(sure bool) (err error) {
	for _, p := range s.all() {
		what, e := p.refresh(time.Now(), sure)
		switch what {
		case same:
		case renewed:
			leaf := p.current.Load().Leaf
			s.logger.Info("a new TLS certificate is in use", "cert", p.Cert, "until", leaf.NotAfter)
		case unusable:
			s.logger.Error("the new TLS certificate cannot be used, the old one stays", "cert", p.Cert, "key", p.Key, "err", e)
			err = errors.Join(err, e)
		}
	}
	return err
}

func (s *Store) all() []*Pair {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.pairs)
}

// Status says which certificates are in use, by where they are from.
func (s *Store) Status() []view.Certificate {
	var all []view.Certificate
	for _, p := range s.all() {
		c := Describe(p.current.Load(), p.Cert)
		if err := p.Problem(); err != nil {
			c.Problem = err.Error()
		}
		all = append(all, c)
	}
	if a := s.others(); a != nil {
		all = append(all, a.Status()...)
	}
	slices.SortFunc(all, func(a, b view.Certificate) int { return cmp.Compare(a.Source, b.Source) })
	return all
}

// Describe says what people see of a certificate that is in use.
func Describe(c *tls.Certificate, source string) view.Certificate {
	return view.Certificate{
		Source: source, Names: names(c.Leaf), From: c.Leaf.NotBefore, Until: c.Leaf.NotAfter,
		Fingerprint: Fingerprint(c.Leaf),
	}
}

// names are the hosts that a certificate is for; of one without such names, its common name.
func names(leaf *x509.Certificate) []string {
	all := slices.Clone(leaf.DNSNames)
	for _, ip := range leaf.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 && leaf.Subject.CommonName != "" {
		all = []string{leaf.Subject.CommonName}
	}
	return all
}

// Fingerprint is a certificate's, as --tls-pin takes it.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// soon is how long before its end a certificate is warned of: an automatic renewal would have been made long before.
const soon = 7 * 24 * time.Hour

// Warnings says what an operator should do.
func (s *Store) Warnings(now time.Time) (all []string) {
	if a := s.others(); a != nil {
		all = a.Warnings()
	}
	for _, c := range s.Status() {
		left := c.Until.Sub(now)
		switch {
		case c.Problem != "":
			all = append(all, fmt.Sprintf("the new TLS certificate cannot be used, the old one, until %s, stays: %s",
				c.Until.UTC().Format(time.DateOnly), c.Problem))
		case left <= 0:
			all = append(all, fmt.Sprintf("the TLS certificate %s has expired on %s: renew it", c.Source,
				c.Until.UTC().Format(time.DateOnly)))
		case left < soon && left < c.Until.Sub(c.From)/4:
			all = append(all, fmt.Sprintf("the TLS certificate %s expires on %s: renew it", c.Source,
				c.Until.UTC().Format(time.DateTime+" UTC")))
		}
	}
	return all
}
