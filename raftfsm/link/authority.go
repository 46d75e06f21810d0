package link

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net/url"
	"time"
)

const (
	// authorityLife outlives the cluster: a new authority means a new cluster.
	authorityLife = 30 * 365 * 24 * time.Hour
	// CertificateLife is how long a node's certificate is valid. A node renews its own at two thirds of it.
	CertificateLife = 365 * 24 * time.Hour
	// clockSkew is how far a member's clock may be behind the one that issued a certificate.
	clockSkew = 10 * time.Minute
)

// Authority is the cluster's certificate authority. Every member holds it: see DESIGN.md for why.
type Authority struct {
	Cluster string

	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes the authority of a new cluster, whose id is 32 lower case hexadecimal digits.
func NewAuthority(cluster string) (*Authority, error) {
	if err := checkClusterID(cluster); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: "hpfriends cluster " + cluster},
		NotBefore:             now.Add(-clockSkew),
		NotAfter:              now.Add(authorityLife),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("link: make the cluster's authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &Authority{Cluster: cluster, cert: cert, key: key}, nil
}

// Fingerprint is the SHA-256 of the authority's certificate: what a join token carries.
func (a *Authority) Fingerprint() [sha256.Size]byte { return sha256.Sum256(a.cert.Raw) }

// issue certifies that pub is the key of node, from a moment before now for life.
func (a *Authority) issue(
	node string, pub crypto.PublicKey, now time.Time, life time.Duration,
) (*x509.Certificate, error) {
	if err := CheckNodeID(node); err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{CommonName: node},
		NotBefore:    now.Add(-clockSkew),
		NotAfter:     now.Add(life),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		URIs:         []*url.URL{nameOf(a.Cluster, node)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, pub, a.key)
	if err != nil {
		return nil, fmt.Errorf("link: certify node %s: %w", node, err)
	}
	return x509.ParseCertificate(der)
}

func serial() *big.Int {
	b := make([]byte, 16)
	rand.Read(b)
	b[0] &= 0x7f // positive
	return new(big.Int).SetBytes(b)
}
