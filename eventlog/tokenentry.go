package eventlog

import (
	"encoding/binary"
	"fmt"
	"time"
)

// TokenEntry is an entry of KindToken: a secret, known by its hash, lets nodes join until it expires. Time is of the
// proposer's clock; what expired before it is forgotten. Both are in seconds.
type TokenEntry struct {
	Hash          [32]byte
	Time, Expires time.Time
}

// The data of a KindToken entry:
//
//	kind (1) | version (1) | hash (32) | time (8, unix seconds, big endian) | expires (8, likewise)
const (
	tokenEntryVersion = 1
	tokenEntrySize    = 2 + 32 + 8 + 8
)

// Encode returns the entry's data, kind byte first.
func (e *TokenEntry) Encode() []byte {
	d := append([]byte{byte(KindToken), tokenEntryVersion}, e.Hash[:]...)
	d = binary.BigEndian.AppendUint64(d, uint64(e.Time.Unix()))
	return binary.BigEndian.AppendUint64(d, uint64(e.Expires.Unix()))
}

// DecodeTokenEntry decodes an entry's data, kind byte first.
func DecodeTokenEntry(data []byte) (*TokenEntry, error) {
	if len(data) != tokenEntrySize || Kind(data[0]) != KindToken || data[1] != tokenEntryVersion {
		return nil, fmt.Errorf("eventlog: not a join token of version %d", tokenEntryVersion)
	}
	e := new(TokenEntry)
	data = data[2+copy(e.Hash[:], data[2:]):]
	e.Time = time.Unix(int64(binary.BigEndian.Uint64(data)), 0).UTC()
	e.Expires = time.Unix(int64(binary.BigEndian.Uint64(data[8:])), 0).UTC()
	return e, nil
}
