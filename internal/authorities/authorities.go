// Package authorities tells by whom a certificate may be signed. A machine has authorities in files; an image from
// scratch has no such files, so the program brings those of Mozilla's list, as of the version in go.mod.
package authorities

import (
	"crypto/x509"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// Known returns the authorities of this machine, and where it has none those that the program brings. The pool is the
// caller's.
func Known() *x509.CertPool {
	machine, err := x509.SystemCertPool()
	if err == nil && !machine.Equal(x509.NewCertPool()) {
		return machine
	}
	pool := x509.NewCertPool()
	for root := range bundle.Roots() {
		// What cannot be read signs nothing: the others are as good as before.
		if c, err := x509.ParseCertificate(root.Certificate); err == nil {
			add(pool, c, root.Constraint)
		}
	}
	return pool
}

// add adds an authority, of which the list may trust only some certificates: those from before a day, for example.
func add(pool *x509.CertPool, c *x509.Certificate, constraint func([]*x509.Certificate) error) {
	if constraint == nil {
		pool.AddCert(c)
	} else {
		pool.AddCertWithConstraint(c, constraint)
	}
}
