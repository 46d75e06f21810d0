package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/datadir"
	"hpfriends/internal/term"
	"hpfriends/server"
)

// joinCommand prepares a data directory. What serve --join does at the first start, for those who keep the token away
// from the server's command line.
func joinCommand() *cli.Command {
	return &cli.Command{
		Name: "join", Usage: "make an empty data directory one of a member of the cluster at HOST:PORT, and exit",
		ArgsUsage: "HOST:PORT",
		Description: `HOST:PORT is the cluster port of any member. Afterwards start the server with
--cluster, and with --nonvoter if it is to stay without a vote. The members
wait for it: they give it a vote when it runs and has caught up.`,
		Flags: []cli.Flag{
			cmdline.DataDirFlag(),
			&cli.StringFlag{Name: "node-id", Usage: "`ID` of the node, one that the cluster has not seen; default: a fresh one"},
			&cli.StringFlag{Name: "advertise", Required: true,
				Usage: "`HOST:PORT` that the other members dial: where --cluster will listen"},
			&cli.StringFlag{Name: "token-file", Required: true,
				Usage: "`FILE` with a token of cluster token create, - for standard input"},
		},
		Action: func(c *cli.Context) error {
			args, err := cmdline.Args(c)
			if err != nil {
				return err
			}
			for name, addr := range map[string]string{"HOST:PORT": args[0], "--advertise": c.String("advertise")} {
				if err := server.CheckAddress(addr); err != nil {
					return cmdline.Usage("%s %s: %v", name, addr, err)
				}
			}
			s := server.Config{DataDir: c.String("data-dir"), NodeID: c.String("node-id")}
			s.Join, s.JoinTokenFile = args[0], c.String("token-file")
			if _, err := datadir.Make(s.DataDir); err != nil {
				return err
			}
			if err := server.Join(c.Context, s, c.String("advertise")); err != nil {
				return settingUsage(err)
			}
			fmt.Fprintf(c.App.Writer, "The node in %s is a member now. Start it: hpfriends serve --data-dir %s --cluster %s\n",
				s.DataDir, s.DataDir, c.String("advertise"))
			return nil
		},
	}
}

// joinTokens returns the command cluster token: the secrets with which nodes join.
func joinTokens() *cli.Command {
	return &cli.Command{
		Name: "token", Usage: "tokens with which nodes join", Subcommands: []*cli.Command{
			cmdline.APICommand("create", "make a token with which a node joins, and print it, this once", "", makeJoinToken,
				cmdline.DurationFlag("life", time.Hour, "`DURATION` that it is valid for, 1m to 7d"),
				&cli.IntFlag{Name: "uses", Value: 1, Usage: "`N` nodes may join with it, at most 100"}),
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
