package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/eventlog"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/query/view"
	"hpfriends/server"
)

// logCompactCommand packs the log, through its server if one runs, else by itself.
func logCompactCommand() *cli.Command {
	return cmdline.APICommand("compact", "pack the log up to now into blocks; for the owner of the data directory", "",
		func(c *cli.Context, client *api.Client) error {
			compact := compactDirectory
			if c.String("server") != "" || ServerRuns(c.String("data-dir")) {
				compact = func(ctx context.Context, _ string, told func(done, total uint64)) (view.Compaction, error) {
					return api.CompactLog.Run(ctx, client, func(l api.Progress) { told(l.Done, l.Total) })
				}
			}
			p := term.NewProgress(c.App.ErrWriter, "", 0)
			r, err := compact(c.Context, c.String("data-dir"), func(done, total uint64) { p.Tally("entries", done, total) })
			p.Clear()
			if err != nil {
				return err
			}
			return cmdline.Show(c, r, func(w io.Writer) { printCompaction(w, r) })
		})
}

// compactDirectory packs the log of a stopped server.
func compactDirectory(ctx context.Context, dir string, told func(done, total uint64)) (r view.Compaction, err error) {
	looked, err := OpenStopped(dir) // which makes no new log where there is none
	if err != nil {
		return r, err
	}
	if err := looked.Close(); err != nil {
		return r, err
	}
	log, err := eventlog.Open(eventlog.Config{Dir: logDir(dir), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return r, err
	}
	r, err = server.Compact(ctx, log, told)
	return r, errors.Join(err, log.Close())
}

func printCompaction(w io.Writer, r view.Compaction) {
	if r.Packed == 0 {
		fmt.Fprint(w, "nothing to pack: ")
	} else {
		fmt.Fprintf(w, "%d blocks made: %s of entries take %s. ", r.Packed, humanize.IBytes(uint64(r.Before)),
			humanize.IBytes(uint64(r.After)))
	}
	fmt.Fprintf(w, "What comes before %s is in %d blocks of %s.\n", r.Until, r.Blocks, humanize.IBytes(r.Bytes))
}
