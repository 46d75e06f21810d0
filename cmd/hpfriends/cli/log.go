package cli

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/query/view"
)

// Log returns the command log: what was refused of the asker's authkeys, and what is in the replicated log.
func Log() *cli.Command {
	filter := []cli.Flag{
		cmdline.TimeFlag("since", "rows seen since `TIME`"),
		cmdline.TimeFlag("until", "rows last seen before `TIME`"),
		&cli.StringFlag{Name: "user", Usage: "rows of the authkeys of `USER`"},
		&cli.StringFlag{Name: "kind", Usage: "rows of `KIND`: login, publish, subscribe or other"},
		&cli.StringFlag{Name: "key", Usage: "rows of the authkey `IDENT`"},
		&cli.StringFlag{Name: "channel", Aliases: []string{"c"}, Usage: "rows about `CHANNEL`"},
		&cli.StringFlag{Name: "ip", Usage: "rows from the address `IP`"},
		&cli.IntFlag{Name: "limit", Value: 1000, Usage: "the newest `N` rows"},
	}
	return &cli.Command{
		Name: "log", Usage: "misuse of your authkeys: why something was refused; and what is in the log",
		Subcommands: []*cli.Command{
			cmdline.APICommand("ls", "list what was refused, newest first", "", showLogs,
				append(filter[:len(filter):len(filter)],
					&cli.BoolFlag{Name: "csv", Usage: "print CSV that no spreadsheet runs; --json has objects"})...),
			cmdline.APICommand("tail", "print rows as they come, until Ctrl-C", "", tailLogs, filter...),
			logDumpCommand(), logCompactCommand(),
		},
	}
}

func logsOf(c *cli.Context) (in api.LogsQuery, err error) {
	limit, err := cmdline.Limit(c)
	if err != nil {
		return in, err
	}
	in = api.LogsQuery{
		User: c.String("user"), Ident: c.String("key"), Kind: c.String("kind"), Channel: c.String("channel"),
		Address: c.String("ip"), Limit: limit,
	}
	if c.IsSet("until") {
		in.Until = cmdline.Past(c, "until").UTC().Format(time.RFC3339Nano)
	}
	if c.IsSet("since") {
		in.Since = cmdline.Past(c, "since").UTC().Format(time.RFC3339Nano)
	}
	return in, nil
}

func showLogs(c *cli.Context, server *api.Client) error {
	if !c.Bool("csv") {
		return show(api.ListLogs, logsOf, listLogs)(c, server)
	}
	in, err := logsOf(c)
	if err != nil {
		return err
	}
	rows, err := api.ListLogs.Call(c.Context, server, in)
	if err != nil {
		return err
	}
	return view.WriteLogsCSV(c.App.Writer, rows)
}

// tailLogs prints a row again when it has changed. Without --since it begins with the next change.
func tailLogs(c *cli.Context, server *api.Client) error {
	in, err := logsOf(c)
	if err != nil {
		return err
	}
	for ; ; in.Wait = true {
		rows, err := api.ListLogs.Call(c.Context, server, in)
		if err != nil {
			return err
		}
		for _, r := range slices.Backward(rows) {
			in.After = max(in.After, r.Index)
			if !in.Wait && in.Since == "" {
				continue
			}
			if err := printLogRow(c, r); err != nil {
				return err
			}
		}
	}
}

func printLogRow(c *cli.Context, r view.LogRow) error {
	if c.Bool("json") {
		return term.WriteJSON(c.App.Writer, r)
	}
	_, err := fmt.Fprintf(c.App.Writer, "%s  %s  %s  %s  %s  x%d\n", term.Time(r.Time), term.Visible(r.Identifier),
		term.Visible(r.Text()), term.Visible(r.Channel), term.Visible(r.Address), r.Count)
	return err
}

func listLogs(w io.Writer, all []view.LogRow) {
	var rows [][]string
	for _, r := range all {
		rows = append(rows, []string{term.Time(r.Time), term.Short(r.Identifier), r.Text(), term.Short(r.Channel),
			r.Address, fmt.Sprint(r.Count)})
	}
	term.Table(w, []string{"Time", "Identifier", "Message", "Channel", "IP address", "Count"}, rows)
}
