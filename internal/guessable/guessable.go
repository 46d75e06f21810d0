// Package guessable refuses passwords and secrets that are guessed first: the most common ones, names, repetitions.
//
// # Invariant
//
// No error repeats what it refuses. What a server makes itself is not asked about.
//
// # Concurrency
//
// Everything here may be used by any number of goroutines.
package guessable

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/trustelem/zxcvbn/frequency"

	"hpfriends/internal/secret"
)

// Limits of a password, in bytes.
const (
	MinPassword = 8
	MaxPassword = 1024
)

// CheckPassword refuses what cannot be a password: less than 8 or more than 1024 bytes, and what is guessed first.
func CheckPassword(password secret.Secret, handle string) error {
	switch n := len(password.Reveal()); {
	case n < MinPassword:
		return fmt.Errorf("the password has %d of at least %d bytes", n, MinPassword)
	case n > MaxPassword:
		return fmt.Errorf("the password has %d bytes, use at most %d", n, MaxPassword)
	}
	if why := guessable(password.Reveal(), handle); why != "" {
		return errors.New("the password is " + why)
	}
	return nil
}

// CheckSecret refuses a secret that somebody typed for an authkey, if it is guessed first. Who listens on a connection
// without TLS may try as many as they like.
func CheckSecret(plain secret.Secret, ident string) error {
	text := plain.Reveal()
	if len(text) < MinPassword {
		return fmt.Errorf("the secret has %d of at least %d bytes", len(text), MinPassword)
	}
	if why := guessable(text, ident); why != "" {
		return errors.New("the secret is " + why)
	}
	return nil
}

// guessable says why a text is among the first that are guessed, for an account of a name; empty: it is not.
func guessable(text, name string) string {
	lower := strings.ToLower(text)
	core := strings.TrimFunc(lower, func(r rune) bool { return !unicode.IsLetter(r) })
	switch {
	case name != "" && (lower == strings.ToLower(name) || core == strings.ToLower(name)):
		return "the name that belongs to it"
	case repeats(lower):
		return "one thing over and over"
	case slices.ContainsFunc(commonPasswords(), func(p string) bool { return p == lower || p == core }):
		return "one of the most common"
	}
	return ""
}

// repeats reports whether a text is at most three characters over and over.
func repeats(text string) bool {
	for n := 1; n <= 3; n++ {
		if len(text) > n && text[n:] == text[:len(text)-n] {
			return true
		}
	}
	return false
}

// commonPasswords are those of a list, the most common first: 30,000, of which 11,611 have 8 characters or more. It
// lies in the program's file, and takes memory only when a password is set.
func commonPasswords() []string { return frequency.FrequencyLists["passwords"] }
