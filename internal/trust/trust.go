// Package trust decides whether the certificate of a server is one that a client is to trust, and says in words what is
// wrong when it is not.
//
// A certificate is trusted when its fingerprint is pinned, and then whatever else it says; or when an authority of this
// machine or of a file has signed it, for the host that was asked for, and it is valid now. hpfeeds documents
// certificates that name their host in the common name only, and its Python client takes them. Go does not any more, so
// for a certificate from the file that has no other name the check is made here.
package trust

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hpfriends/internal/authorities"
	"hpfriends/internal/readfile"
)

// Policy is what a client trusts.
type Policy struct {
	Host string   // the name or address that it asked for
	File string   // PEM, of certificates to trust beside this machine's; empty: none
	Pins []string // fingerprints, see ParsePin; empty: none
}

// verifier is a Policy that was read.
type verifier struct {
	host  string
	roots *x509.CertPool // the machine's, and those of the file
	own   *x509.CertPool // those of the file
	pins  []fingerprint
	now   func() time.Time
}

type fingerprint [sha256.Size]byte

func (f fingerprint) String() string { return pinPrefix + hex.EncodeToString(f[:]) }

const pinPrefix = "sha256:"

// ParsePin reads the SHA-256 of a certificate: sha256: and 64 hexadecimal digits, between which there may be colons, as
// openssl prints them.
func ParsePin(text string) (f fingerprint, err error) {
	digits, ok := strings.CutPrefix(strings.ToLower(text), pinPrefix)
	b, err := hex.DecodeString(strings.ReplaceAll(digits, ":", ""))
	if !ok || err != nil || len(b) != len(f) {
		return f, fmt.Errorf("%q: want sha256: and 64 hexadecimal digits, as `hpfriends status` and `openssl x509 -noout "+
			"-fingerprint -sha256` print them", text)
	}
	return fingerprint(b), nil
}

// Config returns how a client speaks TLS by the policy.
func (p Policy) Config() (*tls.Config, error) {
	v := verifier{host: p.Host, now: time.Now, roots: authorities.Known()}
	for _, text := range p.Pins {
		pin, err := ParsePin(text)
		if err != nil {
			return nil, fmt.Errorf("--tls-pin %w", err)
		}
		v.pins = append(v.pins, pin)
	}
	if p.File != "" {
		if err := v.read(p.File); err != nil {
			return nil, fmt.Errorf("--tls-ca: %w", err)
		}
	}
	verify := func(s tls.ConnectionState) error { return v.verify(s.PeerCertificates) }
	return &tls.Config{
		ServerName: p.Host, InsecureSkipVerify: true, VerifyConnection: verify, // verified, by verify
	}, nil
}

// maxFile is how large a file of certificates may be: those of all authorities are 200 KiB.
const maxFile = 16 << 20

func (v *verifier) read(file string) error {
	pem, err := readfile.UpTo(file, maxFile)
	if err != nil {
		return err
	}
	v.own = x509.NewCertPool()
	if !v.own.AppendCertsFromPEM(pem) || !v.roots.AppendCertsFromPEM(pem) {
		return fmt.Errorf("%s has no certificate in PEM form", file)
	}
	return nil
}

// verify checks a chain, the server's certificate first.
func (v *verifier) verify(chain []*x509.Certificate) error {
	if len(chain) == 0 {
		return errors.New("the server has no certificate")
	}
	leaf := chain[0]
	if slices.Contains(v.pins, fingerprint(sha256.Sum256(leaf.Raw))) {
		return nil
	}
	if len(v.pins) > 0 && v.own == nil { // an authority may be given beside a pin, for the time after
		return &Error{fmt.Sprintf("the server's certificate is %s, not the pinned one: if its operator has renewed it, ask "+
			"them for the new fingerprint", fingerprint(sha256.Sum256(leaf.Raw)))}
	}
	o := x509.VerifyOptions{
		Roots: v.roots, Intermediates: x509.NewCertPool(), DNSName: v.host, CurrentTime: v.now(),
	}
	for _, c := range chain[1:] {
		o.Intermediates.AddCert(c)
	}
	if v.own != nil && !hasNames(leaf) && strings.EqualFold(leaf.Subject.CommonName, v.host) {
		o.Roots, o.DNSName = v.own, ""
	}
	if _, err := leaf.Verify(o); err != nil {
		return &Error{v.explain(leaf, err)}
	}
	return nil
}

func hasNames(c *x509.Certificate) bool {
	return len(c.DNSNames)+len(c.IPAddresses)+len(c.URIs)+len(c.EmailAddresses) > 0
}
