package apply

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"slices"
	"testing"
	"time"

	"hpfriends/eventlog/entry"
)

// step applies a step of the vault, and returns the refusal.
func (r *replica) step(t *testing.T, e entry.Vault) error {
	t.Helper()
	return r.command(t, e.Encode()).(ChangeResult).Err
}

func put(name, value string) entry.Vault {
	return entry.Vault{Step: entry.VaultPut, Time: noon, Name: name, Value: []byte(value)}
}

func lock(name string, holder byte, at time.Time) entry.Vault {
	return entry.Vault{
		Step: entry.VaultLock, Time: at, Name: name, Holder: [16]byte{holder}, Expires: at.Add(time.Minute),
	}
}

func TestVaultKeepsTheNewestValue(t *testing.T) {
	r := newReplica(t)
	before := r.Vault().Changed()
	for _, e := range []entry.Vault{put("a/b", "1"), put("a/c", "2"), put("ab", "3"), put("a/b", "four"), put("z", "5")} {
		if err := r.step(t, e); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-before:
	default:
		t.Error("nobody was told of the changes")
	}
	if v, ok := r.Vault().Value("a/b"); !ok || string(v.Sealed) != "four" || !v.Time.Equal(noon) {
		t.Errorf("a/b is %+v, %v", v, ok)
	}
	if err := r.step(t, entry.Vault{Step: entry.VaultDelete, Time: noon, Name: "a"}); err != nil {
		t.Fatal(err)
	}
	for who, v := range map[string]*Vault{"the vault": r.Vault(), "a start": load(t, r.log).Vault()} {
		if names := v.Names(); !slices.Equal(names, []string{"ab", "z"}) || v.bytes != len("ab3z5") {
			t.Errorf("%s has %q, %d bytes", who, names, v.bytes)
		}
	}
}

// A lock is one holder's until it expires by the time of who asks for it, or is given back by that holder.
func TestVaultLockExpires(t *testing.T) {
	r := newReplica(t)
	if err := r.step(t, lock("x", 1, noon)); err != nil {
		t.Fatal(err)
	}
	if err := r.step(t, lock("x", 2, noon.Add(59*time.Second))); err == nil {
		t.Error("a lock that is held is taken")
	}
	if err := r.step(t, lock("x", 1, noon.Add(30*time.Second))); err != nil {
		t.Errorf("its holder cannot prolong a lock: %v", err)
	}
	if err := r.step(t, entry.Vault{Step: entry.VaultUnlock, Time: noon, Name: "x", Holder: [16]byte{2}}); err != nil {
		t.Fatal(err)
	}
	if err := r.step(t, lock("x", 2, noon.Add(61*time.Second))); err == nil {
		t.Error("a lock that was prolonged is taken")
	}
	if err := r.step(t, lock("x", 2, noon.Add(90*time.Second))); err != nil {
		t.Errorf("a lock that has expired is not free: %v", err)
	}
	if l, ok := load(t, r.log).Vault().Lock("x"); !ok || l.Holder != [16]byte{2} ||
		!l.Expires.Equal(noon.Add(150*time.Second)) {
		t.Errorf("a start finds the lock as %+v, %v", l, ok)
	}
	if err := r.step(t, entry.Vault{Step: entry.VaultUnlock, Time: noon, Name: "x", Holder: [16]byte{2}}); err != nil {
		t.Fatal(err)
	}
	if _, ok := load(t, r.log).Vault().Lock("x"); ok {
		t.Error("a lock that was given back is there at a start")
	}
}

// What is kept is bounded: in one value, in names, in bytes and in locks. Locks that have expired make room.
func TestVaultIsBounded(t *testing.T) {
	r := newReplica(t)
	if err := r.step(t, put("large", string(make([]byte, entry.MaxVaultValue+1)))); err == nil {
		t.Error("too large a value is kept")
	}
	for i := range MaxVaultBytes / entry.MaxVaultValue {
		err := r.step(t, put(fmt.Sprint(i), string(make([]byte, entry.MaxVaultValue-2))))
		if full := i == MaxVaultBytes/entry.MaxVaultValue-1 && err != nil; err != nil && !full {
			t.Fatalf("value %d: %v", i, err)
		}
	}
	if err := r.step(t, put("more", string(make([]byte, 1000)))); err == nil || r.Vault().bytes > MaxVaultBytes {
		t.Errorf("%d bytes are kept, %v", r.Vault().bytes, err)
	}
	for i := range MaxVaultBytes / entry.MaxVaultValue {
		if err := r.step(t, put(fmt.Sprint(i), "")); err != nil {
			t.Fatal(err)
		}
	}
	r.Vault().values = many(VaultValue{}, MaxVaultNames)
	r.Vault().locks = many(VaultLock{Expires: noon.Add(1)}, MaxVaultLocks)
	if err := r.step(t, put("more", "")); err == nil {
		t.Error("more names are kept")
	}
	if err := r.step(t, lock("more", 1, noon)); err == nil {
		t.Error("more locks are kept")
	}
	if err := r.step(t, lock("more", 1, noon.Add(time.Second))); err != nil || len(r.Vault().locks) != 1 {
		t.Errorf("locks that have expired leave no room: %v", err)
	}
}

func many[T any](value T, n int) map[string]T {
	all := make(map[string]T)
	for i := range n {
		all[fmt.Sprint(i)] = value
	}
	return all
}

func TestSnapshotCarriesTheVault(t *testing.T) {
	from, to := newReplica(t), newReplica(t)
	busy(t, from)
	for _, r := range []*replica{from, to} {
		if err := r.step(t, put("old", "o")); err != nil {
			t.Fatal(err)
		}
	}
	if err := from.step(t, entry.Vault{Step: entry.VaultDelete, Time: noon, Name: "old"}); err != nil {
		t.Fatal(err)
	}
	before := to.Vault().Changed()
	index, state := from.checkpoint(t)
	var snapshot bytes.Buffer
	if _, err := WriteSnapshot(&snapshot, from.log, index, state); err != nil {
		t.Fatal(err)
	}
	if err := to.Restore(io.NopCloser(&snapshot)); err != nil {
		t.Fatal(err)
	}
	for who, v := range map[string]*Vault{"the vault": to.Vault(), "a start": load(t, to.log).Vault()} {
		if len(v.values) == 0 || len(v.locks) == 0 || !reflect.DeepEqual(v.values, from.vault.values) ||
			!reflect.DeepEqual(v.locks, from.vault.locks) || v.bytes != from.vault.bytes {
			t.Errorf("after a snapshot %s has %v and %v, want %v and %v", who, v.values, v.locks, from.vault.values,
				from.vault.locks)
		}
	}
	select {
	case <-before:
	default:
		t.Error("nobody was told of the change")
	}
}
