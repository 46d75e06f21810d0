package trust

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hpfriends/internal/certtest"
)

func file(t *testing.T, c tls.Certificate) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	text, _ := certtest.PEM(t, c)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// shake is a handshake with a server that has a certificate.
func shake(t *testing.T, p Policy, server tls.Certificate) error {
	t.Helper()
	tc, err := p.Config()
	if err != nil {
		t.Fatal(err)
	}
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	go func() {
		_ = tls.Server(b, &tls.Config{Certificates: []tls.Certificate{server}}).Handshake()
		_ = b.Close()
	}()
	return tls.Client(a, tc).HandshakeContext(t.Context())
}

func TestCertificatesAreTrustedOrToldInWords(t *testing.T) {
	ca := certtest.Make(t, &x509.Certificate{Subject: pkix.Name{CommonName: "our authority"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil)
	good := certtest.Make(t, &x509.Certificate{DNSNames: []string{"a.example", "b.example"}}, &ca)
	old := certtest.Make(t, &x509.Certificate{DNSNames: []string{"a.example"}, NotBefore: time.Unix(1, 0),
		NotAfter: time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC)}, &ca)
	early := certtest.Make(t, &x509.Certificate{DNSNames: []string{"a.example"}, NotBefore: time.Now().Add(time.Hour),
		NotAfter: time.Now().Add(2 * time.Hour)}, &ca)
	common := certtest.Make(t, &x509.Certificate{Subject: pkix.Name{CommonName: "a.example"}}, nil)
	hostile := certtest.Make(t, &x509.Certificate{Subject: pkix.Name{CommonName: "\x1b]0;x\a\n"}}, nil)
	pinOf := func(c tls.Certificate) string { return fingerprint(sha256.Sum256(c.Certificate[0])).String() }
	for name, c := range map[string]struct {
		p      Policy
		server tls.Certificate
		want   string // in the error; empty: trusted
	}{
		"by a private authority": {Policy{Host: "a.example", File: file(t, ca)}, good, ""},
		"by nobody known":        {Policy{Host: "a.example"}, good, `("our authority" did)`},
		"by another authority":   {Policy{Host: "a.example", File: file(t, common)}, good, "--tls-ca FILE"},
		"for another name": {Policy{Host: "c.example", File: file(t, ca)}, good,
			`for "a.example", "b.example", and not for "c.example"`},
		"expired":             {Policy{Host: "a.example", File: file(t, ca)}, old, "has expired on 2020-01-02"},
		"not yet valid":       {Policy{Host: "a.example", File: file(t, ca)}, early, "valid from"},
		"pinned":              {Policy{Host: "nothing", Pins: []string{pinOf(good)}}, good, ""},
		"pinned, expired":     {Policy{Host: "a.example", Pins: []string{pinOf(old)}}, old, ""},
		"pinned, in capitals": {Policy{Host: "x", Pins: []string{strings.ToUpper(pinOf(good))}}, good, ""},
		"one of two pins":     {Policy{Host: "x", Pins: []string{pinOf(old), pinOf(good)}}, good, ""},
		"another is pinned":   {Policy{Host: "a.example", Pins: []string{pinOf(old)}}, good, "not the pinned one"},
		"a pin, else the authority": {
			Policy{Host: "a.example", File: file(t, ca), Pins: []string{pinOf(old)}}, good, "",
		},
		"common name, from the file": {Policy{Host: "A.example", File: file(t, common)}, common, ""},
		"common name, another": {
			Policy{Host: "b.example", File: file(t, common)}, common, "by its common name only",
		},
		"common name, of no file": {
			Policy{Host: "a.example", File: file(t, ca)}, common, "--tls-pin " + pinOf(common),
		},
		"what it says is not obeyed":    {Policy{Host: "a.example", File: file(t, hostile)}, hostile, `"\x1b]0;x\a\n"`},
		"common name of another's file": {Policy{Host: "a.example", File: file(t, hostile)}, common, "--tls-pin sha256:"},
	} {
		err := shake(t, c.p, c.server)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if e, ok := errors.AsType[*Error](err); err != nil && (!ok || strings.ContainsAny(e.Error(), "\x1b\n")) {
			t.Errorf("%s: %T %q", name, err, err)
		}
	}
}

func TestPoliciesThatCannotBe(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, p := range map[string]Policy{
		"64 hexadecimal digits": {Pins: []string{"sha256:12"}},
		"want sha256:":          {Pins: []string{strings.Repeat("00", 32)}},
		`"sha256//`:             {Pins: []string{"sha256//AAAA"}},
		"no certificate in PEM": {File: empty},
		"--tls-ca: open":        {File: empty + "x"},
	} {
		if _, err := p.Config(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", p, err, want)
		}
	}
	colons := "sha256:" + strings.TrimSuffix(strings.Repeat("AB:", 32), ":")
	if f, err := ParsePin(colons); err != nil || f.String() != "sha256:"+strings.Repeat("ab", 32) {
		t.Errorf("%s: %v", f, err)
	}
}

// A port without TLS is named as such.
func TestHintOfAPortWithoutTLS(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	go func() { _, _ = b.Write([]byte("\x00\x00\x00\x10\x01\x09hpfriends")) }()
	go func() { _, _ = io.Copy(io.Discard, b) }()
	err := tls.Client(a, &tls.Config{ServerName: "x"}).HandshakeContext(t.Context())
	if Hint(err) == "" {
		t.Errorf("%v: no hint", err)
	}
	if Hint(errors.New("x")) != "" {
		t.Error("a hint about nothing")
	}
}
