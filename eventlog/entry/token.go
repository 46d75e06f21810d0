package entry

import (
	"encoding/binary"
	"fmt"
	"time"
)

// TokenStep is what happens to a join token.
type TokenStep byte

// The steps of a join token.
const (
	TokenMade    TokenStep = 1 // By is the user who made it
	TokenUsed    TokenStep = 2 // By is the node that joins with it
	TokenRemoved TokenStep = 3 // By is the user who removed it
)

// Token is an entry of KindToken: something happens to a secret, known by its hash, that lets nodes join. Time is of
// the proposer's clock. Expires and Uses, how many nodes may join with it, are of a token that is made. Times are in
// seconds.
type Token struct {
	Step          TokenStep
	Hash          [32]byte
	Time, Expires time.Time
	Uses          int
	By            string
}

// ShownToken is what people see of a token's entry: not the hash, by which tokens are looked up.
type ShownToken struct {
	Step    string     `json:"step"`
	Expires *time.Time `json:"expires,omitempty"`
	Uses    int        `json:"uses,omitempty"`
	By      string     `json:"by"`
}

// Shown returns what people see of it.
func (e *Token) Shown() ShownToken {
	steps := map[TokenStep]string{TokenMade: "made", TokenUsed: "used", TokenRemoved: "removed"}
	shown := ShownToken{Step: steps[e.Step], Uses: e.Uses, By: e.By}
	if !e.Expires.IsZero() {
		shown.Expires = &e.Expires
	}
	return shown
}

// The data of a KindToken entry:
//
//	kind (1) | version (1) | step (1) | hash (32) | time (8, unix seconds, big endian) | expires (8, likewise)
//	| uses (2, big endian) | by, to the end
const (
	tokenVersion = 2
	tokenSize    = 3 + 32 + 8 + 8 + 2
)

// Encode returns the entry's data, kind byte first.
func (e *Token) Encode() []byte {
	d := append([]byte{byte(KindToken), tokenVersion, byte(e.Step)}, e.Hash[:]...)
	d = binary.BigEndian.AppendUint64(d, seconds(e.Time))
	d = binary.BigEndian.AppendUint64(d, seconds(e.Expires))
	return append(binary.BigEndian.AppendUint16(d, uint16(e.Uses)), e.By...)
}

// seconds writes no time as 0.
func seconds(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.Unix())
}

// DecodeToken decodes an entry's data, kind byte first.
func DecodeToken(data []byte) (*Token, error) {
	if len(data) < tokenSize || Kind(data[0]) != KindToken || data[1] != tokenVersion {
		return nil, fmt.Errorf("eventlog: not a join token of version %d", tokenVersion)
	}
	e := &Token{Step: TokenStep(data[2])}
	if e.Step < TokenMade || e.Step > TokenRemoved {
		return nil, fmt.Errorf("eventlog: a join token has no step %d", e.Step)
	}
	data = data[3+copy(e.Hash[:], data[3:]):]
	e.Time = time.Unix(int64(binary.BigEndian.Uint64(data)), 0).UTC()
	if at := int64(binary.BigEndian.Uint64(data[8:])); at != 0 {
		e.Expires = time.Unix(at, 0).UTC()
	}
	e.Uses, e.By = int(binary.BigEndian.Uint16(data[16:])), string(data[18:])
	return e, nil
}
