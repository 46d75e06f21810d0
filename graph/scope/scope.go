// Package scope is what an API token is good for: a part of what its owner may do.
//
// # Invariant
//
// A Grant only takes away. Whether the owner of the token may do something is decided by the graph, as if there were no
// token.
//
// # Concurrency
//
// Values are immutable.
package scope

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Scope is a kind of what can be done.
type Scope string

// The scopes. Admin includes Manage, Manage and Publish include Read.
const (
	Read    Scope = "read"    // look at what the owner sees, but no secrets of authkeys
	Publish Scope = "publish" // have messages published, with the owner's authkeys
	Manage  Scope = "manage"  // change what is the owner's, and see secrets of their authkeys
	Admin   Scope = "admin"   // use the owner's role of admin
)

// All are the scopes, from the least.
var All = []Scope{Read, Publish, Manage, Admin}

// includes are the scopes that each brings with it.
var includes = map[Scope][]Scope{
	Read: {Read}, Publish: {Publish, Read}, Manage: {Manage, Read}, Admin: {Admin, Manage, Read},
}

// About says what each is for.
var About = map[Scope]string{
	Read: "see what you see, but no secrets", Publish: "replay messages with your authkeys, and read",
	Manage: "change what is yours, see secrets, and read", Admin: "do all that you may as an admin",
}

// How long a token is good: if nothing is said, and at most if it is a member's. WarnBefore its end its owner is told.
const (
	Life       = 90 * 24 * time.Hour
	MaxLife    = 366 * 24 * time.Hour
	WarnBefore = 14 * 24 * time.Hour
)

// Grant is what a token is good for. Without a scope it is good for nothing.
type Grant struct {
	Scopes  []Scope `json:"scopes,omitempty"`
	Channel string  `json:"channel,omitempty"` // a pattern: what is not about channels of it is refused
	Authkey string  `json:"authkey,omitempty"` // an ident: what is not about that authkey is refused
}

// Has reports whether g includes a scope.
func (g Grant) Has(s Scope) bool {
	return slices.ContainsFunc(g.Scopes, func(have Scope) bool { return slices.Contains(includes[have], s) })
}

// Equal reports whether two grants are the same.
func (g Grant) Equal(h Grant) bool {
	return slices.Equal(g.Scopes, h.Scopes) && g.Channel == h.Channel && g.Authkey == h.Authkey
}

// Limited reports whether g is for one channel pattern or one authkey only.
func (g Grant) Limited() bool { return g.Channel != "" || g.Authkey != "" }

// Validate refuses what is no grant. That Channel is a pattern is for the caller to check.
func (g Grant) Validate() error {
	if len(g.Scopes) == 0 {
		return errors.New("a token needs a scope: read, publish, manage or admin")
	}
	for i, s := range g.Scopes {
		if includes[s] == nil || slices.Contains(g.Scopes[:i], s) {
			return fmt.Errorf("%.40q is no scope, or is there twice: use read, publish, manage or admin", string(s))
		}
	}
	switch {
	case g.Channel != "" && g.Authkey != "":
		return errors.New("a token is for one channel pattern or for one authkey, not for both")
	case g.Limited() && g.Has(Admin):
		return errors.New("what admins do is not about one channel or authkey: leave out the scope admin, or the limit")
	}
	return nil
}

// Within reports whether g is good for nothing that all is not good for. covers compares channel patterns.
func (g Grant) Within(all Grant, covers func(all, part string) bool) bool {
	for _, s := range g.Scopes {
		if !all.Has(s) {
			return false
		}
	}
	switch {
	case all.Channel != "":
		return g.Channel != "" && covers(all.Channel, g.Channel)
	case all.Authkey != "":
		return g.Authkey == all.Authkey
	}
	return true
}

// String tells people: read, manage on dionaea.*
func (g Grant) String() string {
	names := make([]string, len(g.Scopes))
	for i, s := range g.Scopes {
		names[i] = string(s)
	}
	text := strings.Join(names, ", ")
	if g.Channel != "" {
		text += " on " + g.Channel
	}
	if g.Authkey != "" {
		text += " with " + g.Authkey
	}
	return text
}
