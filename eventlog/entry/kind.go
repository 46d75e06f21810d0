package entry

import (
	"fmt"
	"iter"
)

// Kind is the first byte of every command's data: it says who reads the rest.
type Kind byte

// The kinds of commands. Zero is an entry of Raft's own (a new leader's no-op, a change of the configuration).
const (
	KindBatch      Kind = 1 // a batch of messages, see Batch
	KindChange     Kind = 2 // a command on the sharing graph, in graph's encoding
	KindReport     Kind = 3 // what a node counted and refused, see Report
	KindCursor     Kind = 4 // durable subscriptions, see Cursors
	KindFloor      Kind = 5 // what is no longer kept, see Floor
	KindToken      Kind = 6 // what lets nodes join the cluster, see Token
	KindCheckpoint Kind = 7 // all nodes look at their state here, see Checkpoint
	KindVault      Kind = 8 // certificates and their keys, see Vault
)

// kinds is the one table of kinds, by number. A test of internal/arch fails for each switch that forgets one of them.
var kinds = [...]struct {
	name   string
	decode func(data []byte) (any, error)
}{
	KindBatch:      {"batch", decoder(DecodeBatch)},
	KindChange:     {"change", func(data []byte) (any, error) { return data[1:], nil }},
	KindReport:     {"report", decoder(DecodeReport)},
	KindCursor:     {"cursor", decoder(DecodeCursors)},
	KindFloor:      {"floor", decoder(DecodeFloor)},
	KindToken:      {"token", decoder(DecodeToken)},
	KindCheckpoint: {"checkpoint", decoder(DecodeCheckpoint)},
	KindVault:      {"vault", decoder(DecodeVault)},
}

func decoder[T any](decode func([]byte) (T, error)) func([]byte) (any, error) {
	return func(data []byte) (any, error) { return decode(data) }
}

// Kinds yields all kinds of commands.
func Kinds() iter.Seq[Kind] {
	return func(yield func(Kind) bool) {
		for k := KindBatch; k.Known() && yield(k); k++ {
		}
	}
}

// Known reports whether this program knows a kind of commands. A newer one may write others.
func (k Kind) Known() bool { return k > 0 && int(k) < len(kinds) }

func (k Kind) String() string {
	switch {
	case k == 0:
		return "raft"
	case k.Known():
		return kinds[k].name
	}
	return fmt.Sprintf("kind %d", byte(k))
}

// Shown returns what people see of a command of which they do not see all.
func Shown(data []byte) (any, error) {
	e, err := Decode(data)
	if err != nil {
		return nil, err
	}
	switch e := e.(type) {
	case *Token:
		return e.Shown(), nil
	case *Vault:
		return e.Shown(), nil
	}
	return e, nil
}

// Decode decodes a command's data, kind byte first: a *Batch, *Report, *Cursors, *Floor, *Token, *Checkpoint or *Vault,
// or the bytes of a change, which package graph decodes.
func Decode(data []byte) (any, error) {
	if len(data) == 0 || !Kind(data[0]).Known() {
		return nil, fmt.Errorf("eventlog: not a command of a kind that this program knows")
	}
	return kinds[data[0]].decode(data)
}
