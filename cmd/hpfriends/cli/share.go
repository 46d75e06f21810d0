package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/internal/timespec"
	"hpfriends/query"
)

func Share() *cli.Command {
	ls := cmdline.APICommand("ls", "list shares: those you made, or with --in those with you", "", listShareCommand,
		&cli.BoolFlag{Name: "in", Usage: "shares with you"}, &cli.BoolFlag{Name: "out", Usage: "shares you made (default)"})
	ls.Aliases = []string{"list"}
	on := func(o api.Op[api.SharePath, api.None]) func(*cli.Context, *api.Client) error {
		return func(c *cli.Context, server *api.Client) error {
			return onShare(c, func(share api.SharePath) error {
				_, err := o.Call(c.Context, server, share)
				return err
			})
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
			cmdline.APICommand("show", "show a share", "ID", func(c *cli.Context, server *api.Client) error {
				return onShare(c, func(share api.SharePath) error {
					s, err := api.ShowShare.Call(c.Context, server, share)
					if err != nil {
						return err
					}
					return cmdline.Show(c, s, func(w io.Writer) { listShares(w, []query.Share{s}) })
				})
			}),
			cmdline.APICommand("accept", "enable a share with you", "ID", on(api.AcceptShare)),
			cmdline.APICommand("disable", "disable a share with you", "ID", on(api.DisableShare)),
			cmdline.APICommand("rm", "remove a share you made", "ID", on(api.RemoveShare)),
		},
	}
}

func onShare(c *cli.Context, do func(share api.SharePath) error) error {
	args, err := cmdline.Args(c, "ID")
	if err != nil {
		return err
	}
	id, err := strconv.ParseUint(strings.TrimPrefix(args[0], "#"), 10, 64)
	if err != nil {
		return cmdline.Usage("%q is not the id of a share: list them with `hpfriends share ls`", args[0])
	}
	return do(api.SharePath{ID: id})
}

func addShare(c *cli.Context, server *api.Client) error {
	args, err := cmdline.Args(c, "CHANNEL")
	if err != nil {
		return err
	}
	in := api.NewShare{
		Channel: graph.Pattern(args[0]), To: c.String("to"), Type: graph.ShareType(c.String("type")),
		History: graph.History(c.String("history")), Note: c.String("note"),
	}
	if c.IsSet("expires") {
		t, err := timespec.Future(c.String("expires"), time.Now())
		if err != nil {
			return cmdline.Usage("--expires: %v", err)
		}
		in.Expires = &t
	}
	out, err := api.AddShare.Call(c.Context, server, api.With[api.NewShare]{Body: in})
	if err != nil {
		return err
	}
	return cmdline.Show(c, out, func(w io.Writer) { fmt.Fprintln(w, out.ID) })
}

func listShareCommand(c *cli.Context, server *api.Client) error {
	if c.Bool("in") && c.Bool("out") {
		return cmdline.Usage("--in or --out, not both")
	}
	if c.Bool("in") && c.String("as") == "" && c.String("server") == "" {
		return cmdline.Usage("say whose: --as USER")
	}
	all, err := api.ListShares.All(c.Context, server, api.SharesQuery{In: c.Bool("in")})
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
