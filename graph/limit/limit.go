// Package limit says what one member may have and change: the kinds of limits, their defaults, and what an admin has
// set for one user instead.
//
// The graph keeps what was set, and decides who may set it. Whoever takes changes from members compares: package
// web/v1.
//
// # Invariant
//
// The order of the kinds is that of the stored graph. Kinds are added at the end only.
//
// # Concurrency
//
// All values are the caller's own.
package limit

import (
	"iter"

	"hpfriends/graph/codec"
)

// Kind is what is limited.
type Kind uint8

// The kinds. Those up to Members are how many there may be, the others how much may be changed.
const (
	Authkeys    Kind = iota
	Shares           // with others
	Groups           // of which the user is a member
	Tokens           // of the API
	Invitations      // that are open
	Members          // of a group, added by the user
	Changes          // of the graph in a second; sixty times as many at once
	Bytes            // of changes in a day, and at once
	count
)

// Max is the most that can be set.
const Max = 1_000_000_000

var kinds = [count]struct {
	name, about string
	most        uint32
}{
	Authkeys:    {"authkeys", "authkeys", 1000},
	Shares:      {"shares", "shares with others", 1000},
	Groups:      {"groups", "memberships of groups", 100},
	Tokens:      {"tokens", "API tokens", 100},
	Invitations: {"invitations", "open invitations", 100},
	Members:     {"members", "members of one group", 10_000},
	Changes:     {"changes", "changes a second, 60 times as many at once", 5},
	Bytes:       {"bytes", "bytes of changes a day", 16 << 20},
}

// String is the name of the kind in the log, the API and the command line.
func (k Kind) String() string { return kinds[k].name }

// About says in words what is limited.
func (k Kind) About() string { return kinds[k].about }

// Default is the limit of whoever has none of their own.
func (k Kind) Default() int { return int(kinds[k].most) }

// All yields the kinds.
func All() iter.Seq[Kind] {
	return func(yield func(Kind) bool) {
		for k := range count {
			if !yield(k) {
				return
			}
		}
	}
}

// Limits are those of one user, by Kind. 0 is the default.
type Limits [count]uint32

// Of is the limit of a kind.
func (l Limits) Of(k Kind) int {
	if l[k] != 0 {
		return int(l[k])
	}
	return k.Default()
}

// Set are new limits. What is nil stays as it is, 0 is the default again.
type Set struct {
	Authkeys    *uint32 `json:"authkeys,omitempty" maximum:"1000000000" doc:"how many; 0: the default"`
	Shares      *uint32 `json:"shares,omitempty" maximum:"1000000000" doc:"with others; 0: the default"`
	Groups      *uint32 `json:"groups,omitempty" maximum:"1000000000" doc:"of which the user is a member; 0: the default"`
	Tokens      *uint32 `json:"tokens,omitempty" maximum:"1000000000" doc:"of the API; 0: the default"`
	Invitations *uint32 `json:"invitations,omitempty" maximum:"1000000000" doc:"that are open; 0: the default"`
	Members     *uint32 `json:"members,omitempty" maximum:"1000000000" doc:"of one group; 0: the default"`
	Changes     *uint32 `json:"changes,omitempty" maximum:"1000000000" doc:"a second, 60 times as many at once; 0: the default"`
	Bytes       *uint32 `json:"bytes,omitempty" maximum:"1000000000" doc:"of changes a day; 0: the default"`
}

// Field is where the new limit of a kind stands.
func (s *Set) Field(k Kind) **uint32 {
	return [count]**uint32{
		&s.Authkeys, &s.Shares, &s.Groups, &s.Tokens, &s.Invitations, &s.Members, &s.Changes, &s.Bytes,
	}[k]
}

// Apply returns the limits after s. ok is false if one of the new ones is above Max.
func (s Set) Apply(l Limits) (after Limits, ok bool) {
	for k := range count {
		if most := *s.Field(k); most != nil {
			if *most > Max {
				return l, false
			}
			l[k] = *most
		}
	}
	return l, true
}

// Append writes the limits of one user.
func (l Limits) Append(e *codec.Encoder) {
	for _, most := range l {
		e.Uint(uint64(most))
	}
}

// Read reads what Append wrote. Limits that say nothing are none that were written.
func Read(d *codec.Decoder) (l Limits) {
	for k := range l {
		most := d.Uint()
		if most > Max {
			d.Fail("a limit is %d", most)
		}
		l[k] = uint32(most)
	}
	if l == (Limits{}) {
		d.Fail("limits that limit nothing")
	}
	return l
}
