package raftfsm

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"

	"hpfriends/eventlog"
	"hpfriends/raftfsm/apply"
)

// CheckStable checks what a stopped node has beside its log, and what it would check at its start: the structure of the stable
// store and the checksum of each value, that the log holds the newest entry that was known to be synced, and that every
// projection can be read. Nothing is written, and nothing created where something is missing.
func CheckStable(dir string, log *eventlog.Log) error {
	path := filepath.Join(dir, stableFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: there is no %s, so nobody knows which entries were acknowledged", ErrStableCorrupt, path)
	}
	if err := checkValues(path); err != nil {
		return err
	}
	bolt, err := raftboltdb.New(raftboltdb.Options{Path: path, BoltOptions: readOnly})
	if err != nil {
		return fmt.Errorf("raftfsm: open stable store: %w", err)
	}
	stable := &Stable{bolt}
	defer stable.Close()
	index, term, err := stable.HighWater()
	if err != nil {
		return err
	}
	if err := log.CheckHighWater(index, term); err != nil {
		return err
	}
	_, err = apply.New(log, slog.New(slog.DiscardHandler), func(error) {})
	return err
}

var readOnly = &bbolt.Options{Timeout: time.Second, ReadOnly: true}

// checkValues reads all of the file, the values that only this node's start looks at as well.
func checkValues(path string) error {
	bolt, err := bbolt.Open(path, 0o600, readOnly)
	if err != nil {
		return fmt.Errorf("raftfsm: open stable store: %w", err)
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
