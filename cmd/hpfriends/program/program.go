// Package program is the whole of hpfriends: the list of its commands, and the names by which it is called.
//
// A command is a file in the package of its kind: cli has those that ask a server's API and those that run one, feed
// those that speak hpfeeds or stream messages, bench and demo those that start servers of their own. compat has the
// programs of the hpfeeds project. They share cmdline (flags, usage, exit codes) and term (what is printed).
//
// The tests here run the program, in this process or as servers in processes of their own, through real sockets.
package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	urfave "github.com/urfave/cli/v2"

	"hpfriends/cmd/hpfriends/backup"
	"hpfriends/cmd/hpfriends/bench"
	"hpfriends/cmd/hpfriends/cli"
	"hpfriends/cmd/hpfriends/complete"
	"hpfriends/cmd/hpfriends/contexts"
	"hpfriends/cmd/hpfriends/demo"
	"hpfriends/cmd/hpfriends/feed"
	"hpfriends/cmd/hpfriends/operate"
	"hpfriends/internal/buildinfo"
	"hpfriends/internal/cmdline"
)

// Main runs one command line, program name first, and returns the exit code.
func Main(args []string) int {
	if code, handled := byName(args[0], args[1:]); handled {
		return code
	}
	return hpfriends(args)
}

// hpfriends is the program under its own name.
func hpfriends(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, stopHangUp := cmdline.UntilHangUp(ctx)
	defer stopHangUp()
	return run(ctx, args, os.Stdout, os.Stderr)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 1 && args[1] == complete.Word {
		return completed(ctx, args[2:], stdout)
	}
	app := newApp(stdout, stderr)
	err := app.RunContext(ctx, cmdline.Arrange(app, args))
	if err == nil {
		return 0
	}
	code, text := cmdline.Explain(err)
	if text != "" {
		fmt.Fprintln(stderr, "hpfriends: "+cmdline.OneLine(text))
	}
	var r *cmdline.Refusal
	if errors.As(err, &r) && r.Hint != "" {
		fmt.Fprintln(stderr, "  "+cmdline.OneLine(r.Hint))
	}
	return code
}

// completed prints what could stand at the cursor of a command line.
func completed(ctx context.Context, words []string, stdout io.Writer) int {
	ask := func(ctx context.Context, args []string, out io.Writer) error {
		app := newApp(out, io.Discard)
		return app.RunContext(ctx, cmdline.Arrange(app, args))
	}
	if complete.Print(ctx, newApp(io.Discard, io.Discard), ask, words, stdout) {
		return 1
	}
	return 0
}

func newApp(stdout, stderr io.Writer) *urfave.App {
	app := &urfave.App{
		Name: "hpfriends", Usage: "share honeypot data with whom you choose", Version: buildinfo.Version(), HideVersion: true,
		HideHelpCommand: true, UsageText: "hpfriends COMMAND [options] [arguments]",
		Description: `The command line talks to the server through a socket in its data directory:
whoever owns that directory is its admin, and acts for a user with --as. With
--server and --token-file, or a context that has them, it talks to a server
elsewhere.
Times are printed, and read where they say no other, in the zone of TZ; with
--json they are in UTC.
Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 denied, 5 conflict,
6 unavailable, 130 interrupted.`,
		Writer: stdout, ErrWriter: stderr, DisableSliceFlagSeparator: true,
		ExitErrHandler: func(*urfave.Context, error) {}, // run prints and exits
		OnUsageError:   cmdline.UsageError,
		Commands: []*urfave.Command{
			cli.Serve(), operate.Init(), demo.Command(), feed.Pub(), feed.Sub(), feed.Sendfile(),
			feed.Replay(), cli.Replays(), feed.Export(cli.ExportDefinitions()),
			feed.Import(cli.ImportHpfeeds(), cli.ImportDefinitions()), cli.Apply(),
			cli.Channel(feed.ChannelHistory()), cli.Search(),
			cli.User(), cli.Group(), cli.Authkey(), cli.Share(), cli.Cursor(), cli.Explain(), cli.Audit(), cli.Token(),
			cli.Invitation(), cli.Session(), cli.Connection(), cli.Log(), cli.Cluster(), cli.Retention(),
			cli.Status(), cli.Check(), backup.Command(), contexts.Command(),
			bench.Command(), operate.Config(), operate.Doctor(), operate.Debug(), operate.Gen(), cli.Version(),
			complete.Command(),
		},
	}
	app.Action = func(c *urfave.Context) error {
		if name := c.Args().First(); name != "" {
			return cmdline.UnknownCommand(name, app.Commands)
		}
		return urfave.ShowAppHelp(c)
	}
	for _, c := range app.Commands {
		cmdline.Prepare(app.Name, c)
	}
	return app
}
