package trust

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Error says that a server's certificate is not trusted, why, and what to do.
type Error struct{ text string }

func (e *Error) Error() string { return e.text }

// explain tells why a certificate was not accepted. What is in the certificate is a stranger's.
func (v *verifier) explain(leaf *x509.Certificate, err error) string {
	pin := fmt.Sprintf("trust exactly this one with --tls-pin %s, if its operator names the same (`hpfriends status` there)",
		fingerprint(sha256.Sum256(leaf.Raw)))
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	now, day := v.now(), func(t time.Time) string { return t.UTC().Format(time.DateTime + " UTC") }
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && now.Before(invalid.Cert.NotBefore):
		return fmt.Sprintf("the server's certificate is valid from %s only, and the clock of this machine says %s", day(
			invalid.Cert.NotBefore), day(now))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("the server's certificate has expired on %s: its operator has to renew it (the clock of this "+
			"machine says %s)", day(invalid.Cert.NotAfter), day(now))
	case errors.As(err, &name):
		return fmt.Sprintf("the server's certificate is for %s, and not for %s: use such a name, or %s", hosts(leaf),
			strconv.QuoteToASCII(v.host), pin)
	case errors.As(err, &authority):
		return fmt.Sprintf("nobody whom this machine trusts has signed the server's certificate (%s did): give the "+
			"certificate of the authority, or this one, with --tls-ca FILE, or %s", quoted(leaf.Issuer.CommonName), pin)
	}
	return "the server's certificate cannot be verified: " + strconv.QuoteToASCII(err.Error()) + "; or " + pin
}

// mostNames is how many names of a certificate are told.
const mostNames = 5

// hosts are the names that a certificate is for, in words.
func hosts(c *x509.Certificate) string {
	var all []string
	for _, name := range c.DNSNames {
		all = append(all, quoted(name))
	}
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	switch {
	case len(all) > mostNames:
		return fmt.Sprintf("%s and %d others", strings.Join(all[:mostNames], ", "), len(all)-mostNames)
	case len(all) > 0:
		return strings.Join(all, ", ")
	case c.Subject.CommonName != "":
		return quoted(c.Subject.CommonName) + " (by its common name only, which counts for a certificate of --tls-ca)"
	}
	return "no host"
}

func quoted(name string) string {
	const most = 100
	if len(name) > most {
		name = name[:most] + "…"
	}
	return strconv.QuoteToASCII(name)
}

// Hint says what to do about an error of a connection with TLS that is none of the certificate; empty: it does not
// know.
func Hint(err error) string {
	var record tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.As(err, &record):
		return "the server does not speak TLS on this port: connect to its port with TLS, or without TLS"
	case errors.As(err, &alert) && alert == protocolVersion:
		return "the server and this program have no version of TLS in common: this one speaks 1.2 and 1.3"
	}
	return ""
}

// protocolVersion is the alert of RFC 8446, 6.2.
const protocolVersion = tls.AlertError(70)
