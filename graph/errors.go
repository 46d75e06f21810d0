package graph

import (
	"errors"
	"fmt"
)

// Code says what kind of refusal an Error is.
type Code string

// The kinds of refusal.
const (
	NotFound Code = "not-found"
	Denied   Code = "denied"
	Conflict Code = "conflict"
	Invalid  Code = "invalid"
)

// Sentinels for errors.Is. Every error of this package that refuses something is one of them.
var (
	ErrNotFound = errors.New("graph: not found")
	ErrDenied   = errors.New("graph: denied")
	ErrConflict = errors.New("graph: conflict")
	ErrInvalid  = errors.New("graph: invalid")
)

// Error is a refusal that someone can act on.
type Error struct {
	Code Code
	Msg  string // what happened
	Hint string // what to do next, may be empty
	Gate string // of the May functions: the check that failed, see the Gate constants
}

// Error is the message, and the hint after it.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Msg
	}
	return e.Msg + ": " + e.Hint
}

// Is makes the sentinels work with errors.Is.
func (e *Error) Is(target error) bool {
	switch e.Code {
	case NotFound:
		return target == ErrNotFound
	case Denied:
		return target == ErrDenied
	case Conflict:
		return target == ErrConflict
	case Invalid:
		return target == ErrInvalid
	}
	return false
}

func refuse(code Code, hint, format string, args ...any) *Error {
	return &Error{Code: code, Msg: fmt.Sprintf(format, args...), Hint: hint}
}

func noSuch(kind string, id uint64) *Error {
	return refuse(NotFound, "", "there is no %s #%d", kind, id)
}
