// Package trail keeps the audit as it is shown: each event ready to be told, and by whom it concerns, so that the audit
// of one user costs what it shows of it, however much the others have changed.
//
// It is derived from the audit and belongs to one node. Package query makes the records; this package stores and
// finds them. An event concerns users, or groups and thereby those who were in them at the event: a share with
// everyone is one key and not one for each user. So the memberships that there ever were are kept too.
//
//	SpaceTrail: 'c'                         -> the newest event: version of all of this u8 | index u64 | hash (32)
//	            'e' index                   -> Record
//	            'h' handle, folded | user   -> (empty)  who has had the handle
//	            'u' user | index            -> (empty)  events that concern a user, or that they made
//	            'g' group | index           -> (empty)
//	            'm' user | group | from     -> index at which the membership ended, 0 while it lasts
//
// Numbers are u64, big endian.
//
// # Concurrency
//
// Any number of goroutines may read. There is one Writer at a time; its caller sees to that.
package trail

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"hpfriends/eventlog"
)

const (
	// version is of keys and values; a trail of another one is made anew.
	version = 2

	keyCursor = 'c'
	keyRecord = 'e'
	keyHandle = 'h'
	keyUser   = 'u'
	keyGroup  = 'g'
	keyMember = 'm'
)

// Trail is the records of a log.
type Trail struct{ log *eventlog.Log }

// New returns the Trail of a log.
func New(log *eventlog.Log) Trail { return Trail{log} }

// Newest is the newest event that is kept; the zero index for none, or if another version of this package kept it.
func (t Trail) Newest() (index uint64, hash [sha256.Size]byte, err error) {
	v, err := t.log.Get(eventlog.SpaceTrail, []byte{keyCursor})
	switch {
	case errors.Is(err, eventlog.ErrNotFound):
		return 0, hash, nil
	case err != nil:
		return 0, hash, err
	case len(v) != 1+8+len(hash) || v[0] != version:
		return 0, hash, nil
	}
	copy(hash[:], v[9:])
	return binary.BigEndian.Uint64(v[1:]), hash, nil
}

// Reset forgets all.
func (t Trail) Reset() error {
	tx := t.log.BeginUpdate()
	tx.DeleteRange(eventlog.SpaceTrail, nil, nil)
	return tx.Commit()
}

// Writer adds events, in order. End it with Commit or Discard.
type Writer struct{ *eventlog.Update }

// Begin returns a Writer.
func (t Trail) Begin() Writer { return Writer{t.log.BeginUpdate()} }

// Add adds an event.
func (w Writer) Add(r *Record) {
	w.Put(eventlog.SpaceTrail, key(keyRecord, r.Index), r.encode())
	if r.By != 0 {
		w.Put(eventlog.SpaceTrail, key(keyUser, r.By, r.Index), nil)
	}
	for _, c := range r.Changes {
		for _, u := range c.Users {
			w.Put(eventlog.SpaceTrail, key(keyUser, u, r.Index), nil)
		}
		if c.Group != 0 {
			w.Put(eventlog.SpaceTrail, key(keyGroup, c.Group, r.Index), nil)
		}
	}
	v := append(binary.BigEndian.AppendUint64([]byte{version}, r.Index), r.Hash[:]...)
	w.Put(eventlog.SpaceTrail, []byte{keyCursor}, v)
}

// Named notes that a user has a handle.
func (w Writer) Named(user uint64, handle string) {
	w.Put(eventlog.SpaceTrail, handleKey(handle, user), nil)
}

// Member notes that a user is in a group from one event on, up to another; 0: still.
func (w Writer) Member(s Span, user uint64) {
	w.Put(eventlog.SpaceTrail, key(keyMember, user, s.Group, s.From), binary.BigEndian.AppendUint64(nil, s.To))
}

// Called are the users who have ever had a handle.
func (t Trail) Called(handle string) (users []uint64, err error) {
	prefix := handleKey(handle, 0)
	err = t.log.Scan(eventlog.SpaceTrail, prefix, handleKey(handle, ^uint64(0)), func(k, _ []byte) error {
		users = append(users, binary.BigEndian.Uint64(k[len(k)-8:]))
		return nil
	})
	return users, err
}

// Span is a membership: from one event to another, both included.
type Span struct{ Group, From, To uint64 } // To 0: it lasts

func (s Span) holds(index uint64) bool { return s.From <= index && (s.To == 0 || index <= s.To) }

// spans are all memberships that a user ever had.
func (t Trail) spans(user uint64) (all []Span, err error) {
	err = t.log.Scan(eventlog.SpaceTrail, key(keyMember, user), key(keyMember, user+1), func(k, v []byte) error {
		if len(k) != 25 || len(v) != 8 {
			return fmt.Errorf("trail: a membership has the key %x", k)
		}
		all = append(all, Span{binary.BigEndian.Uint64(k[9:]), binary.BigEndian.Uint64(k[17:]), binary.BigEndian.Uint64(v)})
		return nil
	})
	return all, err
}

func key(kind byte, numbers ...uint64) []byte {
	k := append(make([]byte, 0, 1+8*len(numbers)), kind)
	for _, n := range numbers {
		k = binary.BigEndian.AppendUint64(k, n)
	}
	return k
}

// handleKey folds handles, which are ASCII. The length comes first, so that no handle is the beginning of another.
func handleKey(handle string, user uint64) []byte {
	k := append([]byte{keyHandle}, byte(min(len(handle), 255)))
	return binary.BigEndian.AppendUint64(append(k, strings.ToLower(handle)...), user)
}
