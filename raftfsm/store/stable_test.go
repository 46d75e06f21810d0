package store

import (
	"errors"
	"testing"
)

func TestStableStoreFindsDamage(t *testing.T) {
	s, err := OpenStable(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Get([]byte("absent")); err == nil || err.Error() != "not found" {
		t.Errorf("absent key: %v, want the text that raft compares", err)
	}
	if err := s.SetUint64([]byte("CurrentTerm"), 7); err != nil {
		t.Fatal(err)
	}
	raw, err := s.bolt.Get([]byte("CurrentTerm"))
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)-1] ^= 1
	if err := s.bolt.Set([]byte("CurrentTerm"), raw); err != nil {
		t.Fatal(err)
	}
	if _, err := s.GetUint64([]byte("CurrentTerm")); !errors.Is(err, ErrStableCorrupt) {
		t.Errorf("a flipped bit in the term: %v, want ErrStableCorrupt", err)
	}
}
