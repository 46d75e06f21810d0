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

// The exit codes of all commands. ExitFailed is for what has none of its own.
const (
	ExitFailed      = 1
	ExitUsage       = 2
	ExitNotFound    = 3
	ExitDenied      = 4
	ExitConflict    = 5
	ExitUnavailable = 6
	ExitInterrupted = 130
)

// OneLine returns a message as one line: what somebody else has put into it must not look like a line of ours.
func OneLine(s string) string { return term.Visible(strings.ReplaceAll(s, "\n", "; ")) }

// Failure is an error with its own exit code. Without a text nothing is printed.
type Failure struct {
	Code int
	Text string
}

func (f *Failure) Error() string { return f.Text }

// seeHelp stands behind each mistake in the command line.
const seeHelp = " (see --help)"

// Faults are the mistakes that the text of an error of Usage names, a line each.
func Faults(text string) []string { return strings.Split(strings.TrimSuffix(text, seeHelp), "\n") }

// Usage returns the error for a mistake in the command line: ExitUsage.
func Usage(format string, args ...any) error {
	return Fail(ExitUsage, fmt.Sprintf(format, args...)+seeHelp)
}

// Refusal is an error answer of the server: what happened, and in Hint what to do, which may be empty.
type Refusal struct {
	code       int
	text, Hint string
}

func (r *Refusal) Error() string { return r.text }

// Explain returns the exit code for an error that a command ended with, and what to print, which may be empty.
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

// Fail returns a Failure that ends with an exit code; its text may be empty.
func Fail(code int, text string) error { return &Failure{code, text} }
