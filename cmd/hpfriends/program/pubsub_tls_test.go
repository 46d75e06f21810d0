package program

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"path/filepath"
	"testing"

	"hpfriends/internal/certtest"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/feedtest"
	"hpfriends/wire"
)

// selfSigned writes a certificate with a common name and no other, as `openssl req -x509` of the hpfeeds documentation
// makes it.
func selfSigned(t *testing.T, commonName string) (cert, key string) {
	t.Helper()
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certtest.Write(t, certtest.Make(t, &x509.Certificate{Subject: pkix.Name{CommonName: commonName}}, nil), cert, key)
	return cert, key
}

func TestTLSTakesACommonNameFromTheFileOnly(t *testing.T) {
	cert, key := selfSigned(t, "localhost")
	other, _ := selfSigned(t, "localhost")
	b := feedtest.StartEchoBrokerAt(t, wire.Endpoint{TLS: &wire.EndpointTLS{Cert: cert, Key: key,
		MinVersion: tls.VersionTLS12}})
	for _, c := range []struct {
		name, host string
		flags      []string
		code       int
	}{
		{"its own certificate", "localhost", []string{"--tlscert", cert}, 0},
		{"another name", "127.0.0.1", []string{"--tlscert", cert}, cmdline.ExitUnavailable},
		{"another certificate of that name", "localhost", []string{"--tlscert", other}, cmdline.ExitUnavailable},
		{"the system's authorities", "localhost", []string{"--tls"}, cmdline.ExitUnavailable},
		{"not PEM", "localhost", []string{"--tlscert", key}, cmdline.ExitUsage},
	} {
		args := append([]string{"hpfriends", "pub", "-i", "me", "-s", "secret of me", "-c", "a", "-p", b.Port, "--host",
			c.host, "x"}, c.flags...)
		if r := command(t, args...); r.code != c.code {
			t.Errorf("%s: %+v, want exit %d", c.name, r, c.code)
		}
	}
}
