package cli

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"hpfriends/eventlog"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/raftfsm"
)

// recoverCommand works on a data directory whose server is stopped.
func recoverCommand() *cli.Command {
	return &cli.Command{
		Name: "recover", Usage: "make a stopped node the only voter, when a majority is lost for good",
		Description: `For the case that a majority of the voters will never come back. The node's
log becomes the log of the cluster: what only the lost nodes had is gone,
also if it was acknowledged, and what was never committed is taken.
Run it without --yes on every survivor and compare: recover the one with the
highest term, and of those the one with the highest entry. Then start it, and
join all others anew, with empty data directories and new node ids.`,
		Flags: []cli.Flag{cmdline.DataDirFlag(),
			&cli.BoolFlag{Name: "yes", Usage: "do it; without it, only show what the node has"}},
		Action: func(c *cli.Context) (err error) {
			if _, err := cmdline.Args(c); err != nil {
				return err
			}
			dir := c.String("data-dir")
			if _, err := os.Stat(filepath.Join(dir, "log")); err != nil {
				return cmdline.Usage("%s is no data directory of a node: %v", dir, err)
			}
			log, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(dir, "log"), Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				return err
			}
			defer func() { _ = log.Close() }()
			r, err := raftfsm.Recover(dir, log, c.Bool("yes"))
			if err != nil {
				return err
			}
			fmt.Fprintf(c.App.Writer, "Node %s: newest entry %d of term %d, %d applied. Members:\n",
				r.Node, r.Last, r.Term, r.Applied)
			for _, m := range r.Members {
				fmt.Fprintln(c.App.Writer, "  "+term.Visible(m))
			}
			if !c.Bool("yes") {
				fmt.Fprintln(c.App.Writer, "Nothing was changed. With --yes, this node becomes the only member.")
				return nil
			}
			fmt.Fprintf(c.App.Writer, "Node %s is the only member now. Start it, and join the others anew under new node ids.\n",
				r.Node)
			return nil
		},
	}
}
