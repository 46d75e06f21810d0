package link

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"hpfriends/internal/atomicfile"
	"hpfriends/internal/readfile"
)

// File is the name of the identity's file in the data directory: four PEM blocks, the node's certificate and key, the
// authority's certificate and key. One file, so that no crash leaves parts that do not belong together.
const File = "cluster.pem"

// Save stores the identity in dir, whole and synced or not at all. From then on a renewed certificate is stored there.
func (i *Identity) Save(dir string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.dir = dir
	return i.store()
}

// store writes the file; i.mu is held.
func (i *Identity) store() error {
	var out bytes.Buffer
	for _, part := range []struct {
		cert *x509.Certificate
		key  *ecdsa.PrivateKey
	}{{i.leaf, i.key}, {i.authority.cert, i.authority.key}} {
		der, err := x509.MarshalPKCS8PrivateKey(part.key)
		if err != nil {
			return err
		}
		_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: part.cert.Raw})
		_ = pem.Encode(&out, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	return atomicfile.Write(filepath.Join(i.dir, File), out.Bytes(), 0o600)
}

// Load reads the identity that Save stored in dir. Without one the error is fs.ErrNotExist.
func Load(dir string) (*Identity, error) {
	path := filepath.Join(dir, File)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s may be read by others (mode %04o): chmod 600 it, and consider the cluster's keys "+
			"known", ErrIdentity, path, mode)
	}
	content, err := readfile.Regular(path, 1<<20)
	if err != nil {
		return nil, err
	}
	i, err := parseIdentity(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	i.dir = dir
	return i, nil
}

func parseIdentity(content []byte) (*Identity, error) {
	var parts [4][]byte
	for n := range parts {
		want := [...]string{"CERTIFICATE", "PRIVATE KEY"}[n%2]
		var block *pem.Block
		if block, content = pem.Decode(content); block == nil || block.Type != want {
			return nil, fmt.Errorf("%w: block %d of 4 is not a %s", ErrIdentity, n+1, want)
		}
		parts[n] = block.Bytes
	}
	return assemble(parts[0], parts[1], parts[2], parts[3])
}

// assemble makes an identity of DER parts.
func assemble(leafDER, keyDER, authorityDER, authorityKeyDER []byte) (*Identity, error) {
	leaf, err1 := x509.ParseCertificate(leafDER)
	authority, err2 := x509.ParseCertificate(authorityDER)
	key, err3 := parseKey(keyDER)
	authorityKey, err4 := parseKey(authorityKeyDER)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	return newIdentity(&Authority{cert: authority, key: authorityKey}, key, leaf)
}

func parseKey(der []byte) (*ecdsa.PrivateKey, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("key is a %T, want ECDSA", key)
	}
	return ec, nil
}
