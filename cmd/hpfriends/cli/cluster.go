package cli

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/query/view"
)

// Cluster returns the command cluster: the nodes that replicate the log.
func Cluster() *cli.Command {
	force := &cli.BoolFlag{Name: "force", Usage: "do it although it harms the cluster"}
	onNode := func(name string, order nodeOrder, text string, flags ...cli.Flag) *cli.Command {
		return cmdline.APICommand(name, text, "NODE", func(c *cli.Context, server *api.Client) error {
			return give(c, server, order, c.Args().First())
		}, flags...)
	}
	status := func(human func(io.Writer, api.Cluster)) func(c *cli.Context, server *api.Client) error {
		return func(c *cli.Context, server *api.Client) error {
			s, err := api.ShowCluster.Call(c.Context, server, api.None{})
			if err != nil {
				return err
			}
			return cmdline.Show(c, s, func(w io.Writer) { human(w, s) })
		}
	}
	return &cli.Command{
		Name: "cluster", Usage: "the nodes that replicate the log", Subcommands: []*cli.Command{
			cmdline.APICommand("status", "show the members, how far each is, and what to be careful about",
				"", status(printCluster)),
			cmdline.APICommand("peers", "list the members with their addresses, how each is and what goes through it", "",
				status(printPeers)),
			joinTokens(),
			onNode("promote", api.PromoteNode, "give a member a vote (the cluster does it by itself for all but --nonvoter)",
				force),
			onNode("remove", api.RemoveNode, "take a member out; its node id is never used again", force),
			cmdline.APICommand("transfer-leader", "hand leadership over, to NODE or to the voter that has caught up best",
				"[NODE]", func(c *cli.Context, server *api.Client) error {
					return give(c, server, api.TransferLeadership, c.Args().First())
				}),
			cmdline.APICommand("leave", "take the node that is asked out of its cluster; its server then stops", "",
				func(c *cli.Context, server *api.Client) error {
					return give(c, server, api.LeaveCluster, "")
				}, force),
			drainCommand(), undrainCommand(), joinCommand(), recoverCommand(),
		},
	}
}

// nodeOrder is an operation on a node of the cluster.
type nodeOrder = api.Op[api.With[api.NodeOrder], api.None]

func give(c *cli.Context, server *api.Client, order nodeOrder, node string) error {
	in := api.NodeOrder{Node: node, Force: c.Bool("force")}
	_, err := order.Call(c.Context, server, api.With[api.NodeOrder]{Body: in})
	return err
}

// printPeers has the columns of the page.
func printPeers(w io.Writer, s api.Cluster) {
	var rows [][]string
	for _, m := range s.Members {
		state, behind := "serves", fmt.Sprint(m.LagEntries)
		switch {
		case m.Error != "":
			rows = append(rows, append([]string{m.ID, m.Role, m.Address, "no answer"}, slices.Repeat([]string{"?"}, 8)...))
			continue
		case m.DiskFull:
			state = "disk full"
		case m.Drained:
			state = "drained"
		}
		rows = append(rows, []string{
			m.ID, m.Role, m.Address, state, behind, term.Known(m.Clients, strconv.Itoa), term.Known(m.Traffic, in),
			term.Known(m.Traffic, out), term.Size(m.DiskBytes), strings.TrimSpace(term.OptionalTime(m.Backup) + " " +
				m.BackupKind.String()), term.OptionalTime(m.Started), m.Version,
		})
	}
	term.Table(w, []string{"Node", "Role", "Address", "State", "Behind", "Clients", "In", "Out", "Log on disk",
		"Last backup", "Started", "Version"}, rows)
}

func in(t view.Traffic) string  { return term.Rate(t.MessagesIn, t.BytesIn) }
func out(t view.Traffic) string { return term.Rate(t.MessagesOut, t.BytesOut) }

func printCluster(w io.Writer, s api.Cluster) {
	var rows [][]string
	for _, m := range s.Members {
		lag, contact := fmt.Sprint(m.LagEntries), fmt.Sprintf("%d ms", m.LastContactMS)
		if m.LagEntries > 0 {
			lag += fmt.Sprintf(" (%.1f s)", m.LagSeconds)
		}
		if m.Role == "leader" {
			contact = "-"
		}
		applied, level := fmt.Sprint(m.Applied), fmt.Sprint(m.Level)
		if m.Error != "" {
			lag, contact, applied, level = "?", "does not answer", "?", "?"
		}
		role := m.Role
		if m.Drained {
			role += ", drained"
		}
		rows = append(rows, []string{m.ID, m.Address, role, term.Known(m.Clients, strconv.Itoa),
			applied, lag, contact, term.Size(m.DiskBytes), term.OptionalTime(m.Started), m.Version, level})
	}
	head := []string{"Node", "Address", "Role", "Clients", "Applied", "Behind", "Heard its leader", "Log on disk",
		"Started", "Version", "Level"}
	term.Table(w, head, rows)
	printWarnings(w, s.Warnings)
}
