// Command hpfriends is the broker, its command line, and a set of hpfeeds clients, in one binary.
//
// Called as hpfeeds, hpfeeds-client or hpfeeds-broker it takes those programs' own flags.
//
// Files: serve.go, listen.go, broker.go, conn.go and metrics.go are the server; client.go, output.go and the files named after
// a noun are the command line, a client of the JSON API; pubsub*.go and compat*.go speak hpfeeds; demo*.go and bench*.go
// start servers of their own.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"
)

// version is set by the linker.
var version = "0.1.0-dev"

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

func main() {
	if code, handled := compat(os.Args[0], os.Args[1:]); handled {
		os.Exit(code)
	}
	os.Exit(runApp(os.Args))
}

// runApp runs one command line, program name first, and returns the exit code.
func runApp(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, args, os.Stdout, os.Stderr)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	app := newApp(stdout, stderr)
	err := app.RunContext(ctx, arrange(app, args))
	if err == nil {
		return 0
	}
	code, text := explainError(err)
	if text != "" {
		fmt.Fprintln(stderr, "hpfriends: "+oneLine(text))
	}
	var r *refusal
	if errors.As(err, &r) && r.hint != "" {
		fmt.Fprintln(stderr, "  "+oneLine(r.hint))
	}
	return code
}

// oneLine is a message on one line: what somebody else has put into it must not look like a line of ours.
func oneLine(s string) string { return printable(strings.ReplaceAll(s, "\n", "; ")) }

func newApp(stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name: "hpfriends", Usage: "share honeypot data with whom you choose", Version: version, HideVersion: true, HideHelpCommand: true,
		Description: "The command line talks to the server through a socket in its data directory: who owns that directory is its\n" +
			"admin, and acts for a user with --as. Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 denied, 5 conflict,\n" +
			"6 unavailable, 130 interrupted.",
		Writer: stdout, ErrWriter: stderr, Suggest: true, DisableSliceFlagSeparator: true,
		ExitErrHandler: func(*cli.Context, error) {}, // run prints and exits
		OnUsageError:   usageError,
		Commands: []*cli.Command{
			serveCommand(), demoCommand(), pubCommand(), subCommand(), sendfileCommand(),
			replayCommand(), exportCommand(), importCommand(), channelCommand(), searchCommand(),
			userCommand(), groupCommand(), authkeyCommand(), shareCommand(), cursorCommand(), explainCommand(), auditCommand(), tokenCommand(), logCommand(), clusterCommand(),
			statusCommand(), checkCommand(), benchCommand(), configCommand(), versionCommand(), completionCommand(),
		},
	}
	app.Action = func(c *cli.Context) error {
		if name := c.Args().First(); name != "" {
			return unknownCommand(name, app.Commands)
		}
		return cli.ShowAppHelp(c)
	}
	for _, c := range app.Commands {
		prepare(c)
	}
	return app
}

// prepare gives a command and those below it what all have.
func prepare(c *cli.Command) {
	c.OnUsageError = usageError
	c.HideHelpCommand = true // arrange makes "help x" of it
	if len(c.Subcommands) == 0 {
		requireFlags(c)
		return
	}
	if c.Action == nil {
		c.Action = func(ctx *cli.Context) error {
			if name := ctx.Args().First(); name != "" {
				return unknownCommand(name, c.Subcommands)
			}
			return cli.ShowSubcommandHelp(ctx)
		}
	}
	for _, sub := range c.Subcommands {
		prepare(sub)
	}
}

func usageError(_ *cli.Context, err error, _ bool) error { return usage("%v", err) }

// requireFlags has the command check for its required flags. The library's own check would print the help first, and does
// not say that it is about usage.
func requireFlags(c *cli.Command) {
	var required []string
	for _, f := range c.Flags {
		if s, ok := f.(*cli.StringFlag); ok && s.Required {
			s.Required = false
			required = append(required, s.Name)
		}
	}
	if len(required) == 0 {
		return
	}
	action := c.Action
	c.Action = func(ctx *cli.Context) error {
		for _, name := range required {
			if ctx.String(name) == "" {
				return usage("--%s is required", name)
			}
		}
		return action(ctx)
	}
}

func unknownCommand(name string, among []*cli.Command) error {
	var names []string
	for _, c := range among {
		names = append(names, c.Names()...)
	}
	return usage("there is no command %q%s", name, didYouMean(name, names))
}

// failure is an error with its own exit code.
type failure struct {
	code int
	text string
}

func (f *failure) Error() string { return f.text }

// usage is a mistake in the command line.
func usage(format string, args ...any) error {
	return &failure{exitUsage, fmt.Sprintf(format, args...) + " (see --help)"}
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
