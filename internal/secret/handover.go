package secret

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// RevealDataKey reads the data key of a directory as it is: to hand it to a node that joins the cluster.
func RevealDataKey(dir string) ([]byte, error) { return load(filepath.Join(dir, KeyFile)) }

// AdoptDataKey stores the data key that a cluster handed over. A directory that has another one keeps it: what was
// sealed with that would be lost.
func AdoptDataKey(dir string, key []byte) error {
	if len(key) != keySize {
		return fmt.Errorf("secret: the cluster handed over a data key of %d bytes, want %d", len(key), keySize)
	}
	path := filepath.Join(dir, KeyFile)
	if err := store(path, key); err != nil {
		return fmt.Errorf("secret: store the data key: %w", err)
	}
	stored, err := load(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !bytes.Equal(stored, key) {
		return fmt.Errorf("secret: %s is there already and is another key: join with an empty data directory", path)
	}
	return nil
}
