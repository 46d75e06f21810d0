// Package due orders what can expire by when: the keys of the graph's index of what is due.
//
// # Invariant
//
// Keys are ordered by time, then by kind and number, alike on every node.
//
// # Concurrency
//
// A Key is a value.
package due

import (
	"cmp"
	"time"
)

// Key is when something is due. Seconds and nanoseconds are kept apart because UnixNano ends in 2262.
type Key struct {
	sec  int64
	nsec int32
	Kind Kind
	ID   uint64
}

// Kind is a kind of what can expire.
type Kind uint8

// The kinds.
const (
	Share Kind = iota + 1
	Authkey
	Token
	Invitation
)

// At is the key of what is due at t.
func At(t time.Time, kind Kind, id uint64) Key { return Key{t.Unix(), int32(t.Nanosecond()), kind, id} }

// Time is when k is due, in UTC.
func (k Key) Time() time.Time { return time.Unix(k.sec, int64(k.nsec)).UTC() }

// Compare orders keys.
func Compare(x, y Key) int {
	return cmp.Or(cmp.Compare(x.sec, y.sec), cmp.Compare(x.nsec, y.nsec), cmp.Compare(x.Kind, y.Kind),
		cmp.Compare(x.ID, y.ID))
}
