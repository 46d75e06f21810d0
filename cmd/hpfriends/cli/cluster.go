package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	hpapi "hpfriends/api"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
)

func Cluster() *cli.Command {
	force := &cli.BoolFlag{Name: "force", Usage: "although it harms the cluster"}
	order := func(verb, node string, c *cli.Context, api *cmdline.Client) error {
		return api.Call(c.Context, "POST", "/cluster/"+verb, map[string]any{"node": node, "force": c.Bool("force")}, nil)
	}
	onNode := func(name, verb, text string, flags ...cli.Flag) *cli.Command {
		return cmdline.APICommand(name, text, "NODE", func(c *cli.Context, api *cmdline.Client) error {
			args, err := cmdline.Args(c, "NODE")
			if err != nil {
				return err
			}
			return order(verb, args[0], c, api)
		}, flags...)
	}
	status := func(human func(io.Writer, hpapi.Cluster)) func(c *cli.Context, api *cmdline.Client) error {
		return func(c *cli.Context, api *cmdline.Client) error {
			var s hpapi.Cluster
			if err := api.Call(c.Context, "GET", "/cluster", nil, &s); err != nil {
				return err
			}
			return cmdline.Show(c, s, func(w io.Writer) { human(w, s) })
		}
	}
	return &cli.Command{
		Name: "cluster", Usage: "the nodes that replicate the log", Subcommands: []*cli.Command{
			cmdline.APICommand("status", "show the members, how far each is, and what to be careful about", "", status(printCluster)),
			cmdline.APICommand("peers", "list the addresses of the members", "", status(func(w io.Writer, s hpapi.Cluster) {
				for _, m := range s.Members {
					fmt.Fprintf(w, "%s %s %s\n", term.Visible(m.ID), term.Visible(m.Address), m.Role)
				}
			})),
			cmdline.APICommand("token", "make a token with which nodes join, and print it, this once", "", makeJoinToken,
				&cli.DurationFlag{Name: "life", Value: time.Hour, Usage: "how long it is good, 1m to 168h"}),
			onNode("promote", "promote", "give a member a vote (the cluster does it by itself for all but --nonvoter)", force),
			onNode("remove", "remove", "take a member out; its node id is never used again", force),
			cmdline.APICommand("transfer-leader", "hand leadership over, to NODE or to the voter that has caught up best", "[NODE]", func(c *cli.Context, api *cmdline.Client) error {
				if c.NArg() > 1 {
					return cmdline.Usage("at most one NODE")
				}
				return order("transfer", c.Args().First(), c, api)
			}),
			cmdline.APICommand("leave", "take the node that is asked out of its cluster; its server then stops", "", func(c *cli.Context, api *cmdline.Client) error {
				if _, err := cmdline.Args(c); err != nil {
					return err
				}
				return order("leave", "", c, api)
			}, force),
			drainCommand(), undrainCommand(), joinCommand(), recoverCommand(),
		},
	}
}

func makeJoinToken(c *cli.Context, api *cmdline.Client) error {
	if _, err := cmdline.Args(c); err != nil {
		return err
	}
	var out struct {
		Token   string    `json:"token"`
		Expires time.Time `json:"expires"`
	}
	in := map[string]any{"seconds": int64(c.Duration("life") / time.Second)}
	if err := api.Call(c.Context, "POST", "/cluster/token", in, &out); err != nil {
		return err
	}
	return cmdline.Show(c, out, func(w io.Writer) { fmt.Fprintln(w, out.Token) })
}

func printCluster(w io.Writer, s hpapi.Cluster) {
	var rows [][]string
	for _, m := range s.Members {
		lag, contact := fmt.Sprint(m.LagEntries), fmt.Sprintf("%d ms", m.LastContactMS)
		if m.LagEntries > 0 {
			lag += fmt.Sprintf(" (%.1f s)", m.LagSeconds)
		}
		if m.Role == "leader" {
			contact = "-"
		}
		if m.Error != "" {
			lag, contact = "?", "does not answer"
		}
		role := m.Role
		if m.Drained {
			role += ", drained"
		}
		rows = append(rows, []string{m.ID, m.Address, role, fmt.Sprint(m.Clients), fmt.Sprint(m.Applied), lag, contact, m.Version})
	}
	term.Table(w, []string{"Node", "Address", "Role", "Clients", "Applied", "Behind", "Heard its leader", "Version"}, rows)
	for _, text := range s.Warnings {
		fmt.Fprintln(w, "Warning: "+term.Visible(text))
	}
}
