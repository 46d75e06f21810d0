package link

import (
	"context"
	"errors"
	"fmt"
)

// Failure is what a handler answered instead of a response. Codes below 16 are the link's own.
type Failure struct {
	Code byte
	Text string
}

// Codes of the link.
const (
	CodeFailed  = 0 // the handler returned a plain error
	CodeRefused = 1 // certainly not done: arrives as ErrNotDone
	CodeUnknown = 2 // the handler does not know: arrives as ErrUnknownOutcome
	// CodeFirst is the first code that a handler may give a meaning of its own.
	CodeFirst = 16
)

// Error is the text, quoted: it is another machine's.
func (f *Failure) Error() string {
	return fmt.Sprintf("link: the call failed there with code %d: %q", f.Code, f.Text)
}

// failureOf is what a handler's error becomes on the wire.
func failureOf(err error) Failure {
	f := Failure{CodeFailed, err.Error()}
	if own, ok := errors.AsType[*Failure](err); ok {
		f = *own
	} else if errors.Is(err, ErrNotDone) {
		f.Code = CodeRefused
	} else if errors.Is(err, ErrUnknownOutcome) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, context.Canceled) {
		f.Code = CodeUnknown
	}
	f.Text = f.Text[:min(len(f.Text), maxText)]
	return f
}

func (f Failure) encode() []byte { return append([]byte{f.Code}, f.Text...) }

// parseFailure reads a payload of at least one byte.
func parseFailure(b []byte) error {
	f := &Failure{b[0], string(b[1:])}
	switch f.Code {
	case CodeRefused:
		return fmt.Errorf("%w: %w", ErrNotDone, f)
	case CodeUnknown:
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, f)
	}
	return f
}
