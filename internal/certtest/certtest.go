// Package certtest makes certificates for tests.
//
// # Concurrency
//
// Its functions may be called from any goroutine that may end the test.
package certtest

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"testing"
	"time"
)

// Make makes a certificate, with a key of its own, that parent has signed; nil: itself. Without a number it has 1, and
// without an end it is good from an hour ago for two hours.
func Make(t testing.TB, c *x509.Certificate, parent *tls.Certificate) tls.Certificate {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	by, signer := c, k
	if parent != nil {
		by, signer = parent.Leaf, parent.PrivateKey.(*ecdsa.PrivateKey)
	}
	c.SerialNumber = cmp.Or(c.SerialNumber, big.NewInt(1))
	if c.NotAfter.IsZero() {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by, &k.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: k, Leaf: leaf}
}

// PEM returns a certificate and its key in PEM form.
func PEM(t testing.TB, c tls.Certificate) (cert, key []byte) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// Write writes a certificate and its key into files, for their owner only.
func Write(t testing.TB, c tls.Certificate, cert, key string) {
	t.Helper()
	certText, keyText := PEM(t, c)
	for path, text := range map[string][]byte{cert: certText, key: keyText} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
