package apply

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// Vault is the projection of the KindVault entries: values by name, sealed before they came here, and locks that
// expire. It is what nodes share without anybody being told of it by the graph or its audit: certificates and their
// keys.
//
//	SpaceMeta: "vault/" | name      -> time of the entry (8, unix milliseconds, big endian) | sealed value
//	SpaceMeta: "vault-lock/" | name -> holder (16) | expires (8, likewise)
//
// All methods may be called from any goroutine.
type Vault struct {
	mu      sync.Mutex
	values  map[string]VaultValue
	locks   map[string]VaultLock
	bytes   int           // of names and values
	changed chan struct{} // closed at the next change
}

// VaultValue is what is kept under a name. It is immutable.
type VaultValue struct {
	Sealed []byte
	Time   time.Time // when it was put, by its proposer's clock
}

// VaultLock is a lock that is held.
type VaultLock struct {
	Holder  [16]byte
	Expires time.Time // whoever asks later, by their clock, has it
}

// Limits of the vault. What is beyond them is refused.
const (
	MaxVaultNames = 1000
	MaxVaultBytes = 4 << 20 // names and values
	MaxVaultLocks = 1000
)

const (
	vaultPrefix     = "vault/"
	vaultLockPrefix = "vault-lock/"
)

func loadVault(log *eventlog.Log) (*Vault, error) {
	v := &Vault{
		values: make(map[string]VaultValue), locks: make(map[string]VaultLock), changed: make(chan struct{}),
	}
	err := scanNames(log, vaultPrefix, 8, func(name string, b []byte) {
		v.values[name] = VaultValue{slices.Clone(b[8:]), entry.Milliseconds(b)}
		v.bytes += len(name) + len(b) - 8
	})
	if err != nil {
		return nil, err
	}
	return v, scanNames(log, vaultLockPrefix, 24, func(name string, b []byte) {
		v.locks[name] = VaultLock{[16]byte(b), entry.Milliseconds(b[16:])}
	})
}

// scanNames calls fn for the records of a prefix that ends in a slash, each of at least some bytes.
func scanNames(log *eventlog.Log, prefix string, least int, fn func(name string, b []byte)) error {
	after := strings.TrimSuffix(prefix, "/") + "0" // the byte after "/"
	return log.Scan(eventlog.SpaceMeta, []byte(prefix), []byte(after), func(k, b []byte) error {
		if len(b) < least {
			return fmt.Errorf("apply: the record of %q has %d bytes, want %d", k, len(b), least)
		}
		fn(string(k[len(prefix):]), b)
		return nil
	})
}

// Value returns what is kept under a name.
func (v *Vault) Value(name string) (VaultValue, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	value, ok := v.values[name]
	return value, ok
}

// Names returns all names, sorted.
func (v *Vault) Names() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Sorted(maps.Keys(v.values))
}

// Lock returns the lock of a name. It is not ok when nobody has taken it; one that has expired may still be there.
func (v *Vault) Lock(name string) (VaultLock, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	l, ok := v.locks[name]
	return l, ok
}

// Changed is closed at the next change of a value or lock. Whoever asks for it and then reads misses none.
func (v *Vault) Changed() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.changed
}

// apply does what an entry says. A refusal is the response.
func (v *Vault) apply(tx *eventlog.Tx, data []byte) (any, error) {
	e, err := entry.DecodeVault(data)
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	var refusal error
	switch e.Step {
	case entry.VaultPut:
		refusal = v.put(tx, e)
	case entry.VaultDelete:
		for name := range v.values {
			if name == e.Name || strings.HasPrefix(name, e.Name+"/") {
				v.drop(tx, name)
			}
		}
	case entry.VaultLock:
		refusal = v.lock(tx, e)
	case entry.VaultUnlock:
		if v.locks[e.Name].Holder == e.Holder {
			v.unlock(tx, e.Name)
		}
	}
	close(v.changed)
	v.changed = make(chan struct{})
	return ChangeResult{Err: refusal}, nil
}

func (v *Vault) put(tx *eventlog.Tx, e *entry.Vault) error {
	old, known := v.values[e.Name]
	if len(e.Value) > entry.MaxVaultValue {
		return full("the value of %.80q has %d bytes, at most %d", e.Name, len(e.Value), entry.MaxVaultValue)
	}
	if !known && len(v.values) >= MaxVaultNames {
		return full("there are %d names in the vault already", MaxVaultNames)
	}
	size := v.bytes + len(e.Value) - len(old.Sealed)
	if !known {
		size += len(e.Name)
	}
	if size > MaxVaultBytes {
		return full("the vault would have %d bytes with %.80q, at most %d", size, e.Name, MaxVaultBytes)
	}
	v.bytes, v.values[e.Name] = size, VaultValue{slices.Clone(e.Value), e.Time}
	b := binary.BigEndian.AppendUint64(nil, uint64(e.Time.UnixMilli()))
	tx.Put(eventlog.SpaceMeta, []byte(vaultPrefix+e.Name), append(b, e.Value...))
	return nil
}

func full(format string, args ...any) error {
	return &graph.Error{
		Code: graph.Conflict, Msg: fmt.Sprintf(format, args...), Hint: "serve fewer names with --domain",
	}
}

func (v *Vault) drop(tx *eventlog.Tx, name string) {
	v.bytes -= len(name) + len(v.values[name].Sealed)
	delete(v.values, name)
	tx.Delete(eventlog.SpaceMeta, []byte(vaultPrefix+name))
}

// lock gives a lock to its holder, unless another has it at the entry's time.
func (v *Vault) lock(tx *eventlog.Tx, e *entry.Vault) error {
	for name, l := range v.locks {
		if !l.Expires.After(e.Time) {
			v.unlock(tx, name)
		}
	}
	l, held := v.locks[e.Name]
	switch {
	case held && l.Holder != e.Holder:
		return &graph.Error{Code: graph.Conflict, Msg: fmt.Sprintf("the lock %.80q is held until %s", e.Name,
			l.Expires.Format(time.RFC3339))}
	case !held && len(v.locks) >= MaxVaultLocks:
		return full("there are %d locks in the vault already", MaxVaultLocks)
	}
	v.locks[e.Name] = VaultLock{e.Holder, e.Expires}
	b := binary.BigEndian.AppendUint64(append([]byte(nil), e.Holder[:]...), uint64(e.Expires.UnixMilli()))
	tx.Put(eventlog.SpaceMeta, []byte(vaultLockPrefix+e.Name), b)
	return nil
}

func (v *Vault) unlock(tx *eventlog.Tx, name string) {
	delete(v.locks, name)
	tx.Delete(eventlog.SpaceMeta, []byte(vaultLockPrefix+name))
}

// replace takes what another has.
func (v *Vault) replace(now *Vault) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.values, v.locks, v.bytes = now.values, now.locks, now.bytes
	close(v.changed)
	v.changed = make(chan struct{})
}
