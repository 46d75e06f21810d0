package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/internal/timespec"
	"hpfriends/query"
)

func Share() *cli.Command {
	ls := cmdline.APICommand("ls", "list shares: those you made, or with --in those with you", "", listShareCommand,
		&cli.BoolFlag{Name: "in", Usage: "shares with you"}, &cli.BoolFlag{Name: "out", Usage: "shares you made (default)"})
	ls.Aliases = []string{"list"}
	post := func(what string) func(*cli.Context, *cmdline.Client) error {
		return func(c *cli.Context, api *cmdline.Client) error {
			return onShare(c, func(path string) error { return api.Call(c.Context, "POST", path+what, struct{}{}, nil) })
		}
	}
	return &cli.Command{
		Name: "share", Usage: "who receives which of your channels", Subcommands: []*cli.Command{
			cmdline.APICommand("add", "share a channel and print the share's id", "CHANNEL", addShare,
				&cli.StringFlag{Name: "to", Required: true, Usage: "`USER` or group:NAME"},
				&cli.StringFlag{Name: "type", Value: "own", Usage: "own: only your own events; all: also what you receive"},
				&cli.StringFlag{Name: "history", Value: "from-share", Usage: "from-share, or full: also what was published before"},
				&cli.StringFlag{Name: "note", Usage: "for the receiver"},
				&cli.StringFlag{Name: "expires", Usage: "`TIME` at which it ends: " + timespec.Forms}),
			ls,
			cmdline.APICommand("show", "show a share", "ID", func(c *cli.Context, api *cmdline.Client) error {
				return onShare(c, func(path string) error {
					var s query.Share
					if err := api.Call(c.Context, "GET", path, nil, &s); err != nil {
						return err
					}
					return cmdline.Show(c, s, func(w io.Writer) { listShares(w, []query.Share{s}) })
				})
			}),
			cmdline.APICommand("accept", "enable a share with you", "ID", post("/accept")),
			cmdline.APICommand("disable", "disable a share with you", "ID", post("/disable")),
			cmdline.APICommand("rm", "remove a share you made", "ID", func(c *cli.Context, api *cmdline.Client) error {
				return onShare(c, func(path string) error { return api.Call(c.Context, "DELETE", path, nil, nil) })
			}),
		},
	}
}

func onShare(c *cli.Context, do func(path string) error) error {
	args, err := cmdline.Args(c, "ID")
	if err != nil {
		return err
	}
	id, err := strconv.ParseUint(strings.TrimPrefix(args[0], "#"), 10, 64)
	if err != nil {
		return cmdline.Usage("%q is not the id of a share: list them with `hpfriends share ls`", args[0])
	}
	return do(fmt.Sprintf("/shares/%d", id))
}

func addShare(c *cli.Context, api *cmdline.Client) error {
	args, err := cmdline.Args(c, "CHANNEL")
	if err != nil {
		return err
	}
	in := map[string]any{"channel": args[0], "to": c.String("to"), "type": c.String("type"), "history": c.String("history"), "note": c.String("note")}
	if c.IsSet("expires") {
		t, err := timespec.Future(c.String("expires"), time.Now())
		if err != nil {
			return cmdline.Usage("--expires: %v", err)
		}
		in["expires"] = t
	}
	var out cmdline.Made
	if err := api.Call(c.Context, "POST", "/shares", in, &out); err != nil {
		return err
	}
	return cmdline.Show(c, out, func(w io.Writer) { fmt.Fprintln(w, out.ID) })
}

func listShareCommand(c *cli.Context, api *cmdline.Client) error {
	if c.Bool("in") && c.Bool("out") {
		return cmdline.Usage("--in or --out, not both")
	}
	if c.Bool("in") && c.String("as") == "" && c.String("server") == "" {
		return cmdline.Usage("say whose: --as USER")
	}
	all, err := cmdline.Pages[query.Share](c.Context, api, fmt.Sprintf("/shares?in=%v", c.Bool("in")))
	if err != nil {
		return err
	}
	return cmdline.Show(c, all, func(w io.Writer) { listShares(w, all) })
}

var shareTypes = map[string]string{"own": "Only own events", "all": "Also received events"}

func listShares(w io.Writer, all []query.Share) {
	var rows [][]string
	for _, s := range all {
		state := ""
		switch {
		case s.Expired:
			state = "expired"
		case s.Enabled != nil:
			state = map[bool]string{true: "enabled", false: "disabled"}[*s.Enabled]
		case len(s.EnabledBy) > 0:
			state = "enabled by " + strings.Join(s.EnabledBy, " ")
		default:
			state = "not enabled yet"
		}
		rows = append(rows, []string{fmt.Sprint(s.ID), s.From, string(s.Channel), shareTypes[string(s.Type)], s.To, string(s.History), state})
	}
	term.Table(w, []string{"Id", "User", "Channel", "Type", "Receiver", "History", "State"}, rows)
}
