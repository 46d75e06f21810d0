package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"
)

// Exit codes.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitDenied      = 4
	exitConflict    = 5
	exitUnavailable = 6
	exitInterrupted = 130
)

// oneLine is a message on one line: what somebody else has put into it must not look like a line of ours.
func oneLine(s string) string { return printable(strings.ReplaceAll(s, "\n", "; ")) }

// failure is an error with its own exit code.
type failure struct {
	code int
	text string
}

func (f *failure) Error() string { return f.text }

// usage is a mistake in the command line.
func usage(format string, args ...any) error {
	return fail(exitUsage, fmt.Sprintf(format, args...)+" (see --help)")
}

// refusal is an error answer of the server: what happened, and what to do.
type refusal struct {
	code       int
	text, hint string
}

func (r *refusal) Error() string { return r.text }

// explainError is the exit code and what to print.
func explainError(err error) (int, string) {
	var f *failure
	var r *refusal
	var coder cli.ExitCoder
	switch {
	case errors.As(err, &r):
		return r.code, r.text
	case errors.As(err, &f):
		return f.code, f.text
	case errors.Is(err, syscall.EPIPE): // the reader has had enough
		return 0, ""
	case errors.Is(err, context.Canceled):
		return exitInterrupted, ""
	case errors.As(err, &coder):
		return coder.ExitCode(), err.Error()
	}
	return exitFailed, err.Error()
}

// fail is a failure that ends with an exit code; its text may be empty.
func fail(code int, text string) error { return &failure{code, text} }
