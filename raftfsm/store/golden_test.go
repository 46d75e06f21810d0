package store

import (
	"bytes"
	"encoding/hex"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"hpfriends/internal/golden"
)

// TestStableRecordsArePinned pins what lies in the stable store, raft's own values included: each with a checksum over
// key and value before it.
func TestStableRecordsArePinned(t *testing.T) {
	dir, clock := t.TempDir(), time.UnixMilli(1_700_000_000_123)
	s, err := OpenStable(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, errNode := s.Identity("node", "n1")
	_, errCluster := s.Identity("cluster", "0123456789abcdef0123456789abcdef")
	err = errors.Join(errNode, errCluster, s.SetHighWater(300, 7), s.SetClock(clock), s.SetUint64(KeyCurrentTerm, 7),
		s.Set([]byte("LastVoteCand"), []byte("n2")), s.Close())
	if err != nil {
		t.Fatal(err)
	}
	b, err := bbolt.Open(filepath.Join(dir, StableFile), 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	err = b.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, bucket *bbolt.Bucket) error {
			return bucket.ForEach(func(k, v []byte) error {
				all.WriteString(string(name) + " " + string(k) + "\n" + hex.Dump(v))
				return nil
			})
		})
	})
	if err := errors.Join(err, b.Close()); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "stable.hex", all.Bytes())

	if s, err = OpenStable(dir); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	index, term, err1 := s.HighWater()
	now, err2 := s.Clock()
	raftTerm, err3 := s.CurrentTerm()
	node, err4 := s.Stored("node")
	if err := errors.Join(err1, err2, err3, err4); err != nil || index != 300 || term != 7 || !now.Equal(clock) ||
		raftTerm != 7 || node != "n1" {
		t.Errorf("read as %d of term %d, %v, term %d, node %q: %v", index, term, now, raftTerm, node, err)
	}
}
