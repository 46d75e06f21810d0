package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
)

// joinTokens returns the command cluster token: the secrets with which nodes join.
func joinTokens() *cli.Command {
	return &cli.Command{
		Name: "token", Usage: "tokens with which nodes join", Subcommands: []*cli.Command{
			cmdline.APICommand("create", "make a token with which a node joins, and print it, this once", "", makeJoinToken,
				cmdline.DurationFlag("life", time.Hour, "`DURATION` that it is valid for, 1m to 7d"),
				&cli.IntFlag{Name: "uses", Value: 1, Usage: "how many nodes may join with it, at most 100"}),
			cmdline.APICommand("ls", "list the tokens, those too that ended in the last seven days", "",
				show(api.ListJoinTokens, func(*cli.Context) (api.None, error) { return api.None{}, nil }, listJoinTokens)),
			cmdline.APICommand("rm", "remove a token: nobody joins with it any more", "ID",
				order(api.RemoveJoinToken, func(c *cli.Context) (api.JoinTokenPath, error) {
					return api.JoinTokenPath{ID: c.Args().First()}, nil
				})),
		},
	}
}

func makeJoinToken(c *cli.Context, server *api.Client) error {
	if c.Int("uses") < 1 {
		return cmdline.Usage("--uses %d: a token is for one node at least", c.Int("uses"))
	}
	in := api.NewJoinToken{Seconds: int64(cmdline.Duration(c, "life") / time.Second), Uses: c.Int("uses")}
	out, err := api.AddJoinToken.Call(c.Context, server, api.With[api.NewJoinToken]{Body: in})
	if err != nil {
		return err
	}
	return cmdline.Show(c, out, func(w io.Writer) { fmt.Fprintln(w, out.Token) })
}

func listJoinTokens(w io.Writer, all []api.ListedJoinToken) {
	var rows [][]string
	for _, t := range all {
		var nodes []string
		for _, u := range t.Used {
			nodes = append(nodes, term.Visible(u.Node))
		}
		state := t.State
		if t.Remover != "" {
			state += " by " + t.Remover
		}
		rows = append(rows, []string{
			t.ID, state, fmt.Sprintf("%d of %d", len(t.Used), t.Uses), strings.Join(nodes, ", "), t.By, term.Time(t.Made),
			term.Time(t.Expires),
		})
	}
	term.Table(w, []string{"Id", "State", "Used", "By nodes", "Made by", "Since", "Expires"}, rows)
}
