package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
)

// CheckStable checks the structure of the stable store of a stopped node and the checksum of each value, and returns
// it, open for reading. Nothing is written, and nothing created where the file is missing.
func CheckStable(dir string) (*Stable, error) {
	path := filepath.Join(dir, StableFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: there is no %s, so nobody knows which entries were acknowledged", ErrStableCorrupt, path)
	}
	if err := checkValues(path); err != nil {
		return nil, err
	}
	bolt, err := raftboltdb.New(raftboltdb.Options{Path: path, BoltOptions: readOnly})
	if err != nil {
		return nil, fmt.Errorf("store: open stable store: %w", err)
	}
	return &Stable{bolt: bolt, dir: dir}, nil
}

var readOnly = &bbolt.Options{Timeout: time.Second, ReadOnly: true}

// checkValues reads all of the file, the values that only this node's start looks at as well.
func checkValues(path string) error {
	bolt, err := bbolt.Open(path, 0o600, readOnly)
	if err != nil {
		return fmt.Errorf("store: open stable store: %w", err)
	}
	defer bolt.Close()
	return bolt.View(func(tx *bbolt.Tx) error {
		var wrong error
		for err := range tx.Check() { // to its end: it is a goroutine
			wrong = errors.Join(wrong, err)
		}
		conf := tx.Bucket([]byte("conf")) // raft-boltdb's name
		if wrong == nil && conf == nil {
			wrong = errors.New("it holds no values")
		}
		if wrong != nil {
			return fmt.Errorf("%w: %w", ErrStableCorrupt, wrong)
		}
		return conf.ForEach(func(k, v []byte) error {
			_, err := checked(k, v)
			return err
		})
	})
}
