package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"hpfriends/internal/atomicfile"
	"hpfriends/internal/readfile"
)

// KeyFile is the name of the data key's file in the data directory.
const KeyFile = "data.key"

const (
	keySize = 32
	// sealVersion is the first byte of what is sealed: AES-256-GCM, then the nonce (12), then the ciphertext and tag.
	sealVersion = 1
)

// ErrSealed is returned when a sealed value cannot be opened: it was altered, it belongs to another ident, or the data
// key is another one.
var ErrSealed = errors.New("secret: cannot open the sealed value: it was altered, " +
	"or data.key is not the key it was sealed with")

// DataKey seals secrets. It prints as ***.
type DataKey struct {
	aead cipher.AEAD
}

// NewDataKey makes a DataKey of 32 bytes.
func NewDataKey(key []byte) (*DataKey, error) {
	if len(key) != keySize {
		return nil, fmt.Errorf("secret: a data key has %d bytes, want %d", len(key), keySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &DataKey{aead}, nil
}

// Format implements fmt.Formatter.
func (DataKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// LogValue implements slog.LogValuer.
func (DataKey) LogValue() slog.Value { return slog.StringValue(Redacted) }

// Seal encrypts plain and binds it to aad, the ident of its authkey: moved to another authkey, it does not open.
func (k *DataKey) Seal(plain, aad []byte) []byte {
	return k.aead.Seal([]byte{sealVersion}, nil, plain, aad)
}

// Open decrypts what Seal made with the same aad, or returns ErrSealed.
func (k *DataKey) Open(sealed, aad []byte) ([]byte, error) {
	if len(sealed) < 1 || sealed[0] != sealVersion {
		return nil, ErrSealed
	}
	plain, err := k.aead.Open(nil, nil, sealed[1:], aad)
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// LoadOrCreate reads the data key of a data directory, or creates it there. It does not create a key beside a log (a
// directory "log"): the secrets in that log were sealed with a key that is missing. And it does not use a key that
// others may read.
func LoadOrCreate(dir string) (*DataKey, error) {
	path := filepath.Join(dir, KeyFile)
	key, err := load(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, "log")); err == nil {
			return nil, fmt.Errorf("secret: %s is missing, but %s holds a log: put back the key that belongs to it", path, dir)
		}
		if err := create(path); err != nil {
			return nil, fmt.Errorf("secret: create the data key: %w", err)
		}
		key, err = load(path)
	}
	if err != nil {
		return nil, err
	}
	return NewDataKey(key)
}

func load(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("secret: data key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("secret: %s may be read by others (mode %04o): chmod 400 it, and consider the secrets known",
			path, mode)
	}
	key, err := readfile.Regular(path, 1<<20)
	if err != nil {
		return nil, fmt.Errorf("secret: data key: %w", err)
	}
	if len(key) != keySize {
		return nil, fmt.Errorf("secret: %s has %d bytes, want %d: put back the key that belongs to this directory",
			path, len(key), keySize)
	}
	return key, nil
}

// create stores a new key, unless somebody else has just done so.
func create(path string) error {
	key := make([]byte, keySize)
	rand.Read(key)
	return store(path, key)
}

// store leaves a key that is there already as it is.
func store(path string, key []byte) error {
	if err := atomicfile.Create(path, key, 0o400); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
