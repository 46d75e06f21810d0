// Package secret handles what must not be seen: the shared secrets of authkeys, passwords and API tokens.
//
// hpfeeds needs secrets that can be recovered (an AUTH is SHA1 of nonce and secret), so they are sealed with the data key,
// a file of the data directory that is never in the log, in Pebble or in a backup. Passwords are hashed with argon2id,
// tokens, which are random, with SHA-256.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// Secret is text that prints as *** wherever it lands. Reveal is the only way out.
type Secret string

const masked = "***"

func (Secret) String() string                { return masked }
func (Secret) GoString() string              { return masked }
func (Secret) LogValue() slog.Value          { return slog.StringValue(masked) }
func (Secret) MarshalText() ([]byte, error)  { return []byte(masked), nil }
func (Secret) Format(s fmt.State, verb rune) { _, _ = s.Write([]byte(masked)) }

// Reveal returns the text.
func (s Secret) Reveal() string { return string(s) }

// ErrSealed means that a sealed secret cannot be opened: another data key, another ident, or altered bytes.
var ErrSealed = errors.New("secret: cannot be opened with this data key")

const keyFile = "data.key"

// DataKey seals the secrets of authkeys.
type DataKey struct{ aead cipher.AEAD }

// LoadOrCreate reads the key file of a data directory, or makes one. Without it no authkey can log in: keep a copy apart
// from backups.
func LoadOrCreate(dir string) (*DataKey, error) {
	path := filepath.Join(dir, keyFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		raw = make([]byte, 32)
		rand.Read(raw)
		err = create(path, raw)
	}
	if err != nil {
		return nil, fmt.Errorf("secret: data key: %w", err)
	}
	if len(raw) != 32 {
		return nil, fmt.Errorf("secret: data key %s has %d bytes, want 32: restore it from your copy", path, len(raw))
	}
	return NewDataKey([32]byte(raw))
}

// create writes the file whole and durably, or not at all.
func create(path string, raw []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o400)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// NewDataKey returns a DataKey of the given bytes.
func NewDataKey(raw [32]byte) (*DataKey, error) {
	block, err := aes.NewCipher(raw[:])
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &DataKey{aead}, nil
}

// Seal encrypts a secret for one ident: AES-256-GCM, the random nonce first, the ident as additional data.
func (k *DataKey) Seal(plain, ident []byte) []byte {
	nonce := make([]byte, k.aead.NonceSize(), k.aead.NonceSize()+len(plain)+k.aead.Overhead())
	rand.Read(nonce)
	return k.aead.Seal(nonce, nonce, plain, ident)
}

// Open decrypts what Seal made for the same ident.
func (k *DataKey) Open(sealed, ident []byte) ([]byte, error) {
	n := k.aead.NonceSize()
	if len(sealed) < n {
		return nil, ErrSealed
	}
	plain, err := k.aead.Open(nil, sealed[:n], sealed[n:], ident)
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// Random returns n random bytes as URL-safe text.
func Random(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// NewToken returns a fresh API token of 256 bits.
func NewToken() string { return "hpf_" + Random(32) }

// HashToken is what is stored of a token.
func HashToken(token string) []byte {
	h := sha256.Sum256([]byte(token))
	return h[:]
}
