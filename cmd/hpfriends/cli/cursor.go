package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/eventlog/entry"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/internal/timespec"
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
				order(api.ResetCursor, cursorResetOf), placeFlag()),
			cmdline.APICommand("rm", "remove a durable subscription: a connection that reads by it ends", "IDENT NAME",
				order(api.RemoveCursor, cursorOf)),
		},
	}
}

func placeFlag() cli.Flag {
	f := cmdline.LiteralFlag("to", "`PLACE` where the next connection begins: "+query.PositionForms,
		func(s string) error {
			_, err := placeText(s, time.Now())
			return err
		})
	f.Required = true
	return f
}

// placeText reads a place in the log, with times by the clock and the zone of this machine.
func placeText(s string, now time.Time) (string, error) {
	if s == "first" || s == "now" {
		return s, nil
	}
	if t, err := timespec.Past(s, now); err == nil {
		return t.UTC().Format(time.RFC3339Nano), nil
	}
	if _, err := entry.ParsePosition(s); err != nil {
		return "", errors.New("want " + query.PositionForms)
	}
	return s, nil
}

func cursorResetOf(c *cli.Context) (api.CursorReset, error) {
	cursor, err := cursorOf(c)
	if err != nil {
		return api.CursorReset{}, err
	}
	to, err := placeText(c.String("to"), time.Now())
	return api.CursorReset{CursorPath: cursor, Body: api.CursorTarget{To: to}}, err
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
