package entry

import (
	"encoding/binary"
	"fmt"
	"time"
)

// VaultStep is what happens to a name of the vault.
type VaultStep byte

// The steps of the vault. A lock is beside the value of the same name.
const (
	VaultPut    VaultStep = 1 // Name has Value from now on
	VaultDelete VaultStep = 2 // Name is gone, and all names below it: those that begin with it and a slash
	VaultLock   VaultStep = 3 // Holder has the lock of Name until Expires, or has it for longer
	VaultUnlock VaultStep = 4 // Holder gives the lock back
)

// Limits of what the vault keeps of one name.
const (
	MaxVaultName  = 512      // bytes
	MaxVaultValue = 64 << 10 // bytes
)

// Vault is an entry of KindVault: something happens to a name under which all nodes keep a value. Values are sealed
// with the data key before they come here. Time is of the proposer's clock. Times are in milliseconds.
type Vault struct {
	Step    VaultStep
	Time    time.Time
	Name    string
	Holder  [16]byte  // of a lock
	Expires time.Time // of a lock
	Value   []byte    // sealed
}

// ShownVault is what people see of an entry of the vault: not the value, nor who holds a lock.
type ShownVault struct {
	Step    string     `json:"step"`
	Name    string     `json:"name"`
	Bytes   int        `json:"bytes,omitempty"`
	Expires *time.Time `json:"expires,omitempty"`
}

// Shown returns what people see of it.
func (e *Vault) Shown() ShownVault {
	steps := map[VaultStep]string{VaultPut: "put", VaultDelete: "delete", VaultLock: "lock", VaultUnlock: "unlock"}
	shown := ShownVault{Step: steps[e.Step], Name: e.Name, Bytes: len(e.Value)}
	if e.Step == VaultLock {
		shown.Expires = &e.Expires
	}
	return shown
}

// The data of a KindVault entry:
//
//	kind (1) | version (1) | step (1) | time (8, unix milliseconds, big endian)
//	| length of the name (2, big endian), name | and by step:
//	  put     value, to the end
//	  delete  nothing
//	  lock    holder (16) | expires (8, as time)
//	  unlock  holder (16)
const (
	vaultVersion = 1
	vaultHeader  = 3 + 8 + 2
)

// Encode returns the entry's data, kind byte first. The name is one of at most MaxVaultName bytes.
func (e *Vault) Encode() []byte {
	d := binary.BigEndian.AppendUint64([]byte{byte(KindVault), vaultVersion, byte(e.Step)}, uint64(e.Time.UnixMilli()))
	d = append(binary.BigEndian.AppendUint16(d, uint16(len(e.Name))), e.Name...)
	switch e.Step {
	case VaultPut:
		d = append(d, e.Value...)
	case VaultDelete:
	case VaultLock:
		d = binary.BigEndian.AppendUint64(append(d, e.Holder[:]...), uint64(e.Expires.UnixMilli()))
	case VaultUnlock:
		d = append(d, e.Holder[:]...)
	}
	return d
}

// DecodeVault decodes an entry's data, kind byte first.
func DecodeVault(data []byte) (*Vault, error) {
	if len(data) < vaultHeader || Kind(data[0]) != KindVault || data[1] != vaultVersion {
		return nil, fmt.Errorf("eventlog: not a step of the vault of version %d", vaultVersion)
	}
	e := &Vault{Step: VaultStep(data[2]), Time: Milliseconds(data[3:])}
	n := int(binary.BigEndian.Uint16(data[11:]))
	rest := data[vaultHeader:]
	if n > len(rest) || n > MaxVaultName {
		return nil, fmt.Errorf("eventlog: a name of %d bytes in %d of the vault, at most %d", n, len(rest), MaxVaultName)
	}
	e.Name, rest = string(rest[:n]), rest[n:]
	want := map[VaultStep]int{
		VaultPut: len(rest), VaultDelete: 0, VaultLock: len(e.Holder) + 8, VaultUnlock: len(e.Holder),
	}
	size, known := want[e.Step]
	if !known || len(rest) != size {
		return nil, fmt.Errorf("eventlog: step %d of the vault has %d bytes behind its name, want %d", e.Step, len(rest),
			size)
	}
	switch e.Step {
	case VaultPut:
		e.Value = rest
	case VaultLock:
		e.Expires = Milliseconds(rest[copy(e.Holder[:], rest):])
	case VaultUnlock:
		copy(e.Holder[:], rest)
	case VaultDelete:
	}
	return e, nil
}

// Milliseconds reads a time: unix milliseconds in eight bytes, big endian. It is in UTC.
func Milliseconds(b []byte) time.Time { return time.UnixMilli(int64(binary.BigEndian.Uint64(b))).UTC() }
