package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"time"

	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// ErrStableCorrupt means that a value of the stable store does not match its checksum. A wrong term or vote can break
// the whole cluster, so a node that reads one does not start.
var ErrStableCorrupt = errors.New("store: stable store is damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Stable is the raft.StableStore: term, vote, identity, and the log's high-water mark, in a bbolt file of its own.
// bbolt checks only its meta pages, so each value carries a CRC32C over key and value. Every Set is synced. Beside it
// lies the note.
type Stable struct {
	bolt *raftboltdb.BoltStore
	dir  string
	note *note // nil: open for reading only
}

// StableFile is its name in the data directory.
const StableFile = "stable.db"

// OpenStable opens or creates the file stable.db in dir. It fails after a second when another process has it open.
func OpenStable(dir string) (*Stable, error) {
	bolt, err := raftboltdb.New(raftboltdb.Options{
		Path:        filepath.Join(dir, StableFile),
		BoltOptions: &bbolt.Options{Timeout: time.Second},
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("store: %s is in use by another process: stop it, or choose another data directory", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("store: open stable store: %w", err)
	}
	s := &Stable{bolt: bolt, dir: dir}
	base, errBase := s.recorded()
	made, errMade := s.noteMade()
	if err = errors.Join(errBase, errMade); err == nil {
		s.note, err = openNote(dir, base, made)
	}
	if err == nil && !made {
		err = s.SetUint64(keyNoteMade, 1)
	}
	if err != nil {
		return nil, errors.Join(err, bolt.Close())
	}
	return s, nil
}

// Close releases the files.
func (s *Stable) Close() error {
	if s.note == nil {
		return s.bolt.Close()
	}
	return errors.Join(s.note.file.Close(), s.bolt.Close())
}

// Set stores a value durably.
func (s *Stable) Set(key, val []byte) error {
	return s.bolt.Set(key, append(binary.BigEndian.AppendUint32(nil, checksum(key, val)), val...))
}

// Get returns a value. Absence is raftboltdb.ErrKeyNotFound, whose text "not found" raft compares.
func (s *Stable) Get(key []byte) ([]byte, error) {
	raw, err := s.bolt.Get(key)
	if err != nil {
		return nil, err
	}
	return checked(key, raw)
}

// checked returns the value of a record whose checksum is right.
func checked(key, raw []byte) ([]byte, error) {
	if len(raw) < 4 || binary.BigEndian.Uint32(raw) != checksum(key, raw[4:]) {
		return nil, fmt.Errorf("%w: key %q: restore this node from its cluster under a new node id", ErrStableCorrupt, key)
	}
	return raw[4:], nil
}

// SetUint64 stores a number durably.
func (s *Stable) SetUint64(key []byte, val uint64) error {
	return s.Set(key, binary.BigEndian.AppendUint64(nil, val))
}

// GetUint64 returns a number; absence is as in Get.
func (s *Stable) GetUint64(key []byte) (uint64, error) {
	v, err := s.Get(key)
	if err != nil {
		return 0, err
	}
	if len(v) != 8 {
		return 0, fmt.Errorf("%w: key %q holds %d bytes, want 8", ErrStableCorrupt, key, len(v))
	}
	return binary.BigEndian.Uint64(v), nil
}

func checksum(key, val []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, val)
}

// KeyCurrentTerm is raft's own key of the term.
var KeyCurrentTerm = []byte("CurrentTerm")

var keyHighWater = []byte("hpfriends/high-water")

// HighWater is the newest entry that is known to be synced, by the store or by the note: index and term. Both are 0 on
// a fresh node.
func (s *Stable) HighWater() (index, term uint64, err error) {
	m, err := s.recorded()
	if err != nil {
		return 0, 0, err
	}
	var noted mark
	if s.note != nil {
		noted = s.note.get()
	} else {
		made, errMade := s.noteMade()
		noted, err = readNote(s.dir, m, made)
		if err = errors.Join(errMade, err); err != nil {
			return 0, 0, err
		}
	}
	if noted.index > m.index {
		m = noted
	}
	return m.index, m.term, nil
}

var keyNoteMade = []byte("hpfriends/note")

// noteMade reports whether there has been a note.
func (s *Stable) noteMade() (bool, error) {
	v, err := s.Lookup(keyNoteMade)
	return v != nil, err
}

// recorded is the mark in the store itself.
func (s *Stable) recorded() (mark, error) {
	v, err := s.Get(keyHighWater)
	if errors.Is(err, raftboltdb.ErrKeyNotFound) {
		return mark{}, nil
	}
	if err != nil {
		return mark{}, err
	}
	if len(v) != 16 {
		return mark{}, fmt.Errorf("%w: high-water mark holds %d bytes, want 16", ErrStableCorrupt, len(v))
	}
	return markOf(v), nil
}

// SetHighWater stores a higher mark durably.
func (s *Stable) SetHighWater(index, term uint64) error {
	m := mark{index, term}
	if err := s.Set(keyHighWater, m.append(nil)); err != nil {
		return err
	}
	return s.note.rebase(m)
}

// LowerHighWater stores a lower mark durably, in the note as well.
func (s *Stable) LowerHighWater(index, term uint64) error {
	if err := s.note.set(mark{index, term}); err != nil {
		return err
	}
	if err := s.note.file.Sync(); err != nil {
		return err
	}
	return s.SetHighWater(index, term)
}

// Identity returns the value stored under name, storing fresh first when there is none: a node's and a cluster's
// identity never change after the first start.
func (s *Stable) Identity(name, fresh string) (string, error) {
	key := []byte("hpfriends/" + name)
	v, err := s.Get(key)
	if errors.Is(err, raftboltdb.ErrKeyNotFound) {
		return fresh, s.Set(key, []byte(fresh))
	}
	return string(v), err
}

// Stored returns an identity, empty when there is none.
func (s *Stable) Stored(name string) (string, error) {
	v, err := s.Get([]byte("hpfriends/" + name))
	if errors.Is(err, raftboltdb.ErrKeyNotFound) {
		return "", nil
	}
	return string(v), err
}

// Begun reports whether raft has ever run with this store.
func (s *Stable) Begun() (bool, error) {
	term, err := s.CurrentTerm()
	return term > 0, err
}

// CurrentTerm is raft's term, 0 before its first run.
func (s *Stable) CurrentTerm() (uint64, error) {
	term, err := s.GetUint64(KeyCurrentTerm)
	if errors.Is(err, raftboltdb.ErrKeyNotFound) {
		return 0, nil
	}
	return term, err
}

// Lookup returns a value, or nil when there is none.
func (s *Stable) Lookup(key []byte) ([]byte, error) {
	v, err := s.Get(key)
	if errors.Is(err, raftboltdb.ErrKeyNotFound) {
		return nil, nil
	}
	return v, err
}

var keyClock = []byte("hpfriends/clock")

// SetClock stores durably what time the node trusted last.
func (s *Stable) SetClock(t time.Time) error { return s.SetUint64(keyClock, uint64(t.UnixMilli())) }

// Clock returns the time that the node trusted last, zero when there is none.
func (s *Stable) Clock() (time.Time, error) {
	ms, err := s.GetUint64(keyClock)
	if errors.Is(err, raftboltdb.ErrKeyNotFound) {
		return time.Time{}, nil
	}
	return time.UnixMilli(int64(ms)), err
}
