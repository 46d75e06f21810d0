package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/query"
)

func Cursor() *cli.Command {
	ls := cmdline.APICommand("ls", "list durable subscriptions and how far they got", "", listCursorCommand,
		&cli.StringFlag{Name: "authkey", Usage: "only of the authkey `IDENT`"})
	ls.Aliases = []string{"list"}
	rm := cmdline.APICommand("rm", "remove a durable subscription: a connection that reads by it ends", "IDENT NAME",
		func(c *cli.Context, server *api.Client) error {
			return onCursor(c, func(cursor api.CursorPath) error {
				_, err := api.RemoveCursor.Call(c.Context, server, cursor)
				return err
			})
		})
	rm.Aliases = []string{"remove"}
	return &cli.Command{
		Name: "cursor", Usage: "how far durable subscriptions (?durable=NAME) got", Subcommands: []*cli.Command{
			ls,
			cmdline.APICommand("reset", "move a durable subscription: a connection that reads by it ends", "IDENT NAME",
				func(c *cli.Context, server *api.Client) error {
					return onCursor(c, func(cursor api.CursorPath) error {
						in := api.CursorReset{CursorPath: cursor, Body: api.CursorTarget{To: c.String("to")}}
						_, err := api.ResetCursor.Call(c.Context, server, in)
						return err
					})
				}, &cli.StringFlag{Name: "to", Required: true, Usage: "`PLACE` where the next connection begins: " +
					query.PositionForms}),
			rm,
		},
	}
}

func onCursor(c *cli.Context, do func(cursor api.CursorPath) error) error {
	args, err := cmdline.Args(c, "IDENT", "NAME")
	if err != nil {
		return err
	}
	if args[1] == "" {
		return cmdline.Usage("a durable subscription has a name: list them with `hpfriends cursor ls`")
	}
	return do(api.CursorPath{Ident: args[0], Name: args[1]})
}

func listCursorCommand(c *cli.Context, server *api.Client) error {
	if _, err := cmdline.Args(c); err != nil {
		return err
	}
	all, err := api.ListCursors.All(c.Context, server, api.CursorsQuery{Authkey: c.String("authkey")})
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b query.Cursor) int {
		return cmp.Or(cmp.Compare(a.Authkey, b.Authkey), cmp.Compare(a.Name, b.Name))
	})
	return cmdline.Show(c, all, func(w io.Writer) { listCursors(w, all) })
}

func listCursors(w io.Writer, all []query.Cursor) {
	var rows [][]string
	for _, cur := range all {
		position := cur.Position
		if cur.Removed {
			position += " (no longer in the log)"
		}
		rows = append(rows, []string{
			cur.Authkey, cur.Name, cur.Channel, position, cur.Acked, fmt.Sprint(cur.Behind), term.OptionalTime(cur.Next),
			term.YesNo(cur.Held), term.Time(cur.Updated),
		})
	}
	term.Table(w, []string{"Identifier", "Name", "Channel", "Position", "Acknowledged", "Entries behind", "Next",
		"Connected", "Updated"}, rows)
}
