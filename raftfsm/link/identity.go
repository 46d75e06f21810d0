package link

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Identity is who this node is: its certificate and key, and the cluster's authority. It may be used by any number of
// goroutines.
type Identity struct {
	Cluster, Node string

	authority *Authority
	key       *ecdsa.PrivateKey
	roots     *x509.CertPool
	now       func() time.Time

	mu   sync.Mutex
	leaf *x509.Certificate
	dir  string // where a renewed certificate is stored; empty before Save
}

// Bootstrap makes the identity of the first node of a new cluster, authority included. Save stores it.
func Bootstrap(cluster, node string) (*Identity, error) {
	a, err := NewAuthority(cluster)
	if err != nil {
		return nil, err
	}
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	leaf, err := a.issue(node, key.Public(), time.Now(), CertificateLife)
	if err != nil {
		return nil, err
	}
	return newIdentity(a, key, leaf)
}

func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

// newIdentity checks that its parts belong together. It does not ask whether leaf is valid now: a node that was off for
// long renews its own.
func newIdentity(a *Authority, key *ecdsa.PrivateKey, leaf *x509.Certificate) (*Identity, error) {
	if !key.PublicKey.Equal(leaf.PublicKey) || !a.key.PublicKey.Equal(a.cert.PublicKey) {
		return nil, fmt.Errorf("%w: a key does not belong to its certificate", ErrIdentity)
	}
	if err := leaf.CheckSignatureFrom(a.cert); err != nil {
		return nil, fmt.Errorf("%w: the node's certificate is not of the authority beside it: %w", ErrIdentity, err)
	}
	cluster, node, err := parseName(leaf)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	a.Cluster = cluster
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	return &Identity{Cluster: cluster, Node: node, authority: a, key: key, roots: roots, now: time.Now, leaf: leaf}, nil
}

// Authority is the cluster's certificate authority.
func (i *Identity) Authority() *Authority { return i.authority }

// certificate is what the node presents: its own and the authority's, which a joiner knows by hash only. It is renewed
// when a third of its life is left, or when it is from the future, made while the clock was wrong. A failure to store
// the new one is returned beside it, for the log.
func (i *Identity) certificate() (*tls.Certificate, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var failed error
	if now := i.now(); i.leaf.NotAfter.Sub(now) < CertificateLife/3 || now.Before(i.leaf.NotBefore) {
		leaf, err := i.authority.issue(i.Node, i.key.Public(), now, CertificateLife)
		if err == nil {
			i.leaf = leaf
			if i.dir != "" {
				err = i.store()
			}
		}
		if err != nil {
			failed = fmt.Errorf("link: renew the certificate of node %s: %w", i.Node, err)
		}
	}
	return &tls.Certificate{Certificate: [][]byte{i.leaf.Raw, i.authority.cert.Raw}, PrivateKey: i.key, Leaf: i.leaf},
		failed
}

// verify checks the certificate of the other side against the authority and returns its node id.
func (i *Identity) verify(chain []*x509.Certificate, usage x509.ExtKeyUsage) (node string, err error) {
	if len(chain) == 0 {
		return "", errors.New("link: no certificate")
	}
	leaf := chain[0]
	cluster, node, nameErr := parseName(leaf)
	if nameErr == nil && cluster != i.Cluster {
		return "", fmt.Errorf("%w: it is of cluster %s, this is %s", ErrForeign, cluster, i.Cluster)
	}
	_, err = leaf.Verify(x509.VerifyOptions{Roots: i.roots, CurrentTime: i.now(), KeyUsages: []x509.ExtKeyUsage{usage}})
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown {
		return "", fmt.Errorf("%w: %w", ErrForeign, err)
	}
	if err != nil {
		return "", fmt.Errorf("link: certificate: %w", err)
	}
	return node, nameErr
}
