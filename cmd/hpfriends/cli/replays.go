package cli

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/query/view"
)

// Replays returns the command replays: what a server publishes again.
func Replays() *cli.Command {
	return &cli.Command{
		Name: "replays", Usage: "replays that the server runs, see `hpfriends replay --authkey`",
		Subcommands: []*cli.Command{
			cmdline.APICommand("ls", "list your replays on this node", "", show(api.ListReplays, nothing, listReplays)),
			cmdline.APICommand("show", "show how far a replay is", "ID", show(api.ShowReplay, replayIn, one(listReplays))),
			cmdline.APICommand("stop", "stop a replay", "ID", order(api.StopReplay, replayIn)),
		},
	}
}

func nothing(*cli.Context) (api.None, error) { return api.None{}, nil }

func replayIn(c *cli.Context) (api.ReplayPath, error) {
	id, err := idOf(c, "a", "replays")
	return api.ReplayPath{ID: id}, err
}

func listReplays(w io.Writer, all []view.Replay) {
	var rows [][]string
	for _, r := range all {
		to := r.To
		if to == "" {
			to = "(its own)"
		}
		state := string(r.State)
		if r.DryRun {
			state += " (dry run)"
		}
		rows = append(rows, []string{fmt.Sprint(r.ID), r.User, term.Joined(r.Channels), to, r.Authkey, state,
			fmt.Sprint(r.Published), fmt.Sprint(r.Total), term.Time(r.Started), r.Error})
	}
	term.Table(w, []string{"Id", "User", "Channels", "To", "Authkey", "State", "Published", "Total", "Started", "Error"},
		rows)
}
