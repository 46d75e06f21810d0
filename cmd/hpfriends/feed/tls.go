package feed

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
)

// ClientTLS returns how to check a broker's certificate: against the system's authorities and, if there is a file, the
// certificates in it.
//
// hpfeeds documents certificates that name their host in the common name only, and its Python client takes them. Go
// does not any more, so for a certificate from the file that has no other name the check is made here.
func ClientTLS(host, file string) (*tls.Config, error) {
	if file == "" {
		return &tls.Config{ServerName: host}, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--tlscert: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	own := x509.NewCertPool()
	if !own.AppendCertsFromPEM(pem) || !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--tlscert: %s has no certificate in PEM form", file)
	}
	verify := func(s tls.ConnectionState) error { return verifyBroker(s.PeerCertificates, roots, own, host) }
	return &tls.Config{ServerName: host, InsecureSkipVerify: true, VerifyConnection: verify}, nil // verified, by verify
}

// verifyBroker checks chain, the broker's certificate first.
func verifyBroker(chain []*x509.Certificate, roots, own *x509.CertPool, host string) error {
	if len(chain) == 0 {
		return errors.New("tls: the broker has no certificate")
	}
	leaf := chain[0]
	o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool(), DNSName: host}
	for _, c := range chain[1:] {
		o.Intermediates.AddCert(c)
	}
	names := len(leaf.DNSNames) + len(leaf.IPAddresses) + len(leaf.URIs) + len(leaf.EmailAddresses)
	if names == 0 && strings.EqualFold(leaf.Subject.CommonName, host) {
		o.Roots, o.DNSName = own, ""
	}
	_, err := leaf.Verify(o)
	return err
}
