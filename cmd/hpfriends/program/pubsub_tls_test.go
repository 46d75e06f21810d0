package program

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hpfriends/internal/cmdline"
	"hpfriends/internal/feedtest"
	"hpfriends/wire"
)

// selfSigned writes a certificate with a common name and no other, as `openssl req -x509` of the hpfeeds documentation
// makes it.
func selfSigned(t *testing.T, commonName string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: commonName},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", pkcs8)
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
