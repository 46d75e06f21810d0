package importer

import (
	"fmt"

	"hpfriends/internal/secret"
)

// Store is what a broker knows of its clients.
type Store struct {
	Keys     []Key
	Problems []Problem

	// Wildcard says that "*" in a list stands for every channel.
	Wildcard bool
}

// Key is an ident that can log in, and what for.
type Key struct {
	Where    string // in the store, for people: "row 3"
	Ident    string
	Owner    string // empty: the store names none
	Secret   secret.Secret
	Pub, Sub []string
}

// Problem is something in a store that is not taken over.
type Problem struct {
	Where string `json:"where"` // in the store, for people
	Ident string `json:"ident,omitempty"`
	What  string `json:"what"`
	Lossy bool   `json:"lossy"` // somebody could use it, or a message was delivered by it
}

func (p Problem) String() string {
	if p.Ident == "" {
		return p.Where + ": " + p.What
	}
	return fmt.Sprintf("%s: authkey %q: %s", p.Where, p.Ident, p.What)
}

// note notes what has never had an effect.
func (s *Store) note(where, ident, format string, args ...any) {
	s.Problems = append(s.Problems, Problem{where, ident, fmt.Sprintf(format, args...), false})
}
