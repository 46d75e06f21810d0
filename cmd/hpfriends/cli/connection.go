package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/query/view"
)

// Connection returns the command connection: clients that are connected.
func Connection() *cli.Command {
	return &cli.Command{
		Name: "connection", Usage: "clients that are connected by hpfeeds", Subcommands: []*cli.Command{
			cmdline.APICommand("ls", "list connections to all nodes", "",
				show(api.ListConnections, connectionsOf, listConnections),
				&cli.StringFlag{Name: "user", Usage: "those of `USER` only"},
				&cli.StringFlag{Name: "authkey", Usage: "those of the authkey `IDENT` only"},
				&cli.IntFlag{Name: "limit", Usage: "at most `N`", Value: 100}),
			cmdline.APICommand("close", "close a connection; its client may come back", "ID",
				order(api.CloseConnection, connectionOf)),
		},
	}
}

func connectionsOf(c *cli.Context) (api.ConnectionsQuery, error) {
	return api.ConnectionsQuery{User: c.String("user"), Authkey: c.String("authkey"), Limit: c.Int("limit")}, nil
}

// connectionOf reads NODE/NUMBER.
func connectionOf(c *cli.Context) (in api.ConnectionPath, err error) {
	id := c.Args().First()
	node, number, _ := strings.Cut(id, "/")
	in.Node = node
	if in.Number, err = strconv.ParseUint(number, 10, 53); err != nil || node == "" {
		return in, cmdline.Usage("%q is no connection: want NODE/NUMBER, as connection ls prints it", id)
	}
	return in, nil
}

func listConnections(w io.Writer, all view.Connections) {
	var rows [][]string
	for _, c := range all.Connections {
		subs := strings.Join(c.Subscriptions, " ")
		if c.More > 0 {
			subs += fmt.Sprintf(" and %d more", c.More)
		}
		rows = append(rows, []string{
			fmt.Sprintf("%s/%d", c.Node, c.Number), c.User, c.Authkey, c.Remote, term.Time(c.Since), fmt.Sprint(c.Published),
			fmt.Sprint(c.Received), humanize.IBytes(c.BytesReceived), humanize.IBytes(c.BytesSent), subs,
		})
	}
	term.Table(w, []string{
		"Id", "User", "Authkey", "From", "Since", "Published", "Received", "Bytes in", "Bytes out", "Subscribed to",
	}, rows)
	if more := all.Total - len(all.Connections); more > 0 {
		fmt.Fprintf(w, "%d more: give --limit, --user or --authkey\n", more)
	}
	if len(all.Silent) > 0 {
		fmt.Fprintf(w, "Not known, for they do not answer: what is connected to %s\n", strings.Join(all.Silent, ", "))
	}
}
