package entry

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Token is an entry of KindToken: a secret, known by its hash, lets nodes join until it expires. Time is of the
// proposer's clock; what expired before it is forgotten. Both are in seconds.
type Token struct {
	Hash          [32]byte
	Time, Expires time.Time
}

// The data of a KindToken entry:
//
//	kind (1) | version (1) | hash (32) | time (8, unix seconds, big endian) | expires (8, likewise)
const (
	tokenVersion = 1
	tokenSize    = 2 + 32 + 8 + 8
)

// Encode returns the entry's data, kind byte first.
func (e *Token) Encode() []byte {
	d := append([]byte{byte(KindToken), tokenVersion}, e.Hash[:]...)
	d = binary.BigEndian.AppendUint64(d, uint64(e.Time.Unix()))
	return binary.BigEndian.AppendUint64(d, uint64(e.Expires.Unix()))
}

// DecodeToken decodes an entry's data, kind byte first.
func DecodeToken(data []byte) (*Token, error) {
	if len(data) != tokenSize || Kind(data[0]) != KindToken || data[1] != tokenVersion {
		return nil, fmt.Errorf("eventlog: not a join token of version %d", tokenVersion)
	}
	e := new(Token)
	data = data[2+copy(e.Hash[:], data[2:]):]
	e.Time = time.Unix(int64(binary.BigEndian.Uint64(data)), 0).UTC()
	e.Expires = time.Unix(int64(binary.BigEndian.Uint64(data[8:])), 0).UTC()
	return e, nil
}
