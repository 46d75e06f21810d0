package cmdline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"hpfriends/internal/term"
)

// Exit codes.
const (
	ExitFailed      = 1
	ExitUsage       = 2
	ExitNotFound    = 3
	ExitDenied      = 4
	ExitConflict    = 5
	ExitUnavailable = 6
	ExitInterrupted = 130
)

// OneLine is a message on one line: what somebody else has put into it must not look like a line of ours.
func OneLine(s string) string { return term.Visible(strings.ReplaceAll(s, "\n", "; ")) }

// Failure is an error with its own exit code.
type Failure struct {
	Code int
	Text string
}

func (f *Failure) Error() string { return f.Text }

// Usage is a mistake in the command line.
func Usage(format string, args ...any) error {
	return Fail(ExitUsage, fmt.Sprintf(format, args...)+" (see --help)")
}

// Refusal is an error answer of the server: what happened, and what to do.
type Refusal struct {
	code       int
	text, Hint string
}

func (r *Refusal) Error() string { return r.text }

// Explain is the exit code and what to print.
func Explain(err error) (int, string) {
	var f *Failure
	var r *Refusal
	var coder cli.ExitCoder
	switch {
	case errors.As(err, &r):
		return r.code, r.text
	case errors.As(err, &f):
		return f.Code, f.Text
	case errors.Is(err, syscall.EPIPE): // the reader has had enough
		return 0, ""
	case errors.Is(err, context.Canceled):
		return ExitInterrupted, ""
	case errors.As(err, &coder):
		return coder.ExitCode(), err.Error()
	}
	return ExitFailed, err.Error()
}

// Fail is a failure that ends with an exit code; its text may be empty.
func Fail(code int, text string) error { return &Failure{code, text} }
