package backup

import (
	"errors"
	"fmt"
	"io"

	urfave "github.com/urfave/cli/v2"

	archive "hpfriends/backup"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/raftfsm/restore"
)

func restoreBackup() *urfave.Command {
	return &urfave.Command{
		Name: "restore", Usage: "make a new data directory of a backup", ArgsUsage: "FILE...",
		Description: `The first FILE is a full backup, those behind it go on from it, oldest
first; or the first one goes on from what the directory was restored from,
and no server has run on it since. The directory is that of a node which is
alone in a new cluster: start it, and join the others with empty directories.`,
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "data-dir", Required: true, Usage: "the new `DIR`"},
			&urfave.StringFlag{Name: "data-key", Usage: "`FILE` of backup data-key export: without it no authkey can log in until its " +
				"secret is rotated"},
			dataKeyPassphrase(),
			&urfave.StringFlag{Name: "node-id", Usage: "`ID` of the new node, by default a fresh one"},
			&urfave.BoolFlag{Name: "json", Usage: "print JSON"},
		},
		Action: func(c *urfave.Context) error {
			files, err := cmdline.Args(c)
			if err != nil {
				return err
			}
			r := archive.Restoration{Files: files, Dir: c.String("data-dir"), Node: c.String("node-id")}
			if path := c.String("data-key"); path != "" {
				if r.Key, err = importDataKey(c, path); err != nil {
					return err
				}
			}
			p := term.NewProgress(c.App.ErrWriter, "", 0)
			done, err := archive.Restore(r, p.Tally)
			p.Clear()
			if err != nil {
				if errors.Is(err, restore.ErrUnfinished) {
					return cmdline.Fail(cmdline.ExitConflict, err.Error())
				}
				return backupFailed(err)
			}
			if done.NoKey {
				fmt.Fprintln(c.App.ErrWriter, "hpfriends: restored without the data key: users log in with their passwords; no "+
					"authkey of before can log in until its secret is rotated (hpfriends authkey rotate)")
			}
			return cmdline.Show(c, done, func(w io.Writer) { printRestored(w, r, done) })
		},
	}
}

func printRestored(w io.Writer, r archive.Restoration, done archive.Restored) {
	fmt.Fprintf(w, "Restored up to entry #%d: %s with %s. Node %s is alone in a new cluster:\n"+
		"start it with `hpfriends serve --data-dir %s`, and join the others with empty data directories.\n",
		done.Index, term.Count(done.Totals.Entries, "entry", "entries"),
		term.Count(done.Totals.Messages, "message", "messages"), term.Visible(done.Node), term.Visible(r.Dir))
}
