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
	"syscall"

	"hpfriends/internal/buildinfo"

	"github.com/urfave/cli/v2"
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

func newApp(stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name: "hpfriends", Usage: "share honeypot data with whom you choose", Version: buildinfo.Version(), HideVersion: true, HideHelpCommand: true,
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
