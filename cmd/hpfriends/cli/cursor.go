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
	"hpfriends/query/view"
)

// Cursor returns the command cursor: how far durable subscriptions got.
func Cursor() *cli.Command {
	return &cli.Command{
		Name: "cursor", Usage: "how far durable subscriptions (?durable=NAME) got", Subcommands: []*cli.Command{
			cmdline.APICommand("ls", "list durable subscriptions and how far they got", "",
				listCursorCommand, &cli.StringFlag{Name: "authkey", Usage: "only of the authkey `IDENT`"}),
			cmdline.APICommand("reset", "move a durable subscription: a connection that reads by it ends", "IDENT NAME",
				order(api.ResetCursor, func(c *cli.Context) (api.CursorReset, error) {
					cursor, err := cursorOf(c)
					return api.CursorReset{CursorPath: cursor, Body: api.CursorTarget{To: c.String("to")}}, err
				}), &cli.StringFlag{Name: "to", Required: true, Usage: "`PLACE` where the next connection begins: " +
					query.PositionForms}),
			cmdline.APICommand("rm", "remove a durable subscription: a connection that reads by it ends", "IDENT NAME",
				order(api.RemoveCursor, cursorOf)),
		},
	}
}

func cursorOf(c *cli.Context) (api.CursorPath, error) {
	in := api.CursorPath{Ident: c.Args().First(), Name: c.Args().Get(1)}
	if in.Name == "" {
		return in, cmdline.Usage("a durable subscription has a name: list them with `hpfriends cursor ls`")
	}
	return in, nil
}

func listCursorCommand(c *cli.Context, server *api.Client) error {
	all, err := api.ListCursors.All(c.Context, server, api.CursorsQuery{Authkey: c.String("authkey")})
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b view.Cursor) int {
		return cmp.Or(cmp.Compare(a.Authkey, b.Authkey), cmp.Compare(a.Name, b.Name))
	})
	return cmdline.Show(c, all, func(w io.Writer) { listCursors(w, all) })
}

func listCursors(w io.Writer, all []view.Cursor) {
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
