package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/eventlog"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/datadir"
	"hpfriends/internal/term"
	"hpfriends/query"
	channels "hpfriends/query/traffic"
	"hpfriends/query/view"
	"hpfriends/raftfsm"
)

// Check returns the command check, which reads all that a data directory holds: through its server if one runs, else by
// itself. It fails with cmdline.ExitFailed when something is damaged.
func Check() *cli.Command {
	return cmdline.APICommand("check", "read the whole log and report the first bad byte", "",
		func(c *cli.Context, server *api.Client) error {
			check := func(p *term.Progress) (view.CheckReport, error) {
				return checkDirectory(c.Context, c.String("data-dir"), p)
			}
			if c.String("server") != "" || ServerRuns(c.String("data-dir")) {
				check = func(p *term.Progress) (view.CheckReport, error) {
					return api.CheckLog.Run(c.Context, server, func(l api.Progress) { p.Tally(l.What, l.Done, l.Total) })
				}
			}
			p := term.NewProgress(c.App.ErrWriter, "", 0)
			r, err := check(p)
			p.Clear()
			if err != nil {
				return err
			}
			if err := cmdline.Show(c, r, func(w io.Writer) { printCheck(w, r) }); err != nil {
				return err
			}
			if !r.Sound {
				return cmdline.Fail(cmdline.ExitFailed, "")
			}
			return nil
		})
}

// ServerRuns reports whether somebody answers on the socket of a data directory.
func ServerRuns(dir string) bool {
	c, err := net.Dial("unix", filepath.Join(dir, datadir.Socket))
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

func logDir(dir string) string { return filepath.Join(dir, "log") }

// OpenStopped opens the log of a data directory that no server uses, to look at.
func OpenStopped(dir string) (*eventlog.Log, error) {
	where := logDir(dir)
	if _, err := os.Stat(where); err != nil {
		return nil, cmdline.Fail(cmdline.ExitNotFound,
			fmt.Sprintf("there is no log in %s: name the server's directory with --data-dir", dir))
	}
	return eventlog.Open(eventlog.Config{Dir: where, ReadOnly: true, Logger: slog.New(slog.DiscardHandler)})
}

// checkDirectory checks the log of a stopped server, and that it holds what was acknowledged.
func checkDirectory(ctx context.Context, dir string, p *term.Progress) (r view.CheckReport, err error) {
	log, err := OpenStopped(dir)
	if eventlog.IsDamage(err) {
		return view.CheckReport{Damage: err.Error()}, nil
	}
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	r, err = query.Check(ctx, log, func(what string, done, total uint64) { p.Tally(what, done, total) })
	if err != nil || !r.Sound {
		return r, err
	}
	for _, further := range []func() error{
		func() error { return channels.Verify(ctx, log) },
		func() error { return raftfsm.CheckStable(dir, log) },
	} {
		if err := further(); err != nil {
			if ctx.Err() != nil {
				return r, ctx.Err()
			}
			r.Sound, r.Damage = false, err.Error()
			return r, nil
		}
	}
	return r, nil
}

func printCheck(w io.Writer, r view.CheckReport) {
	if !r.Sound {
		fmt.Fprintf(w, "damaged: %s\n", term.Visible(r.Damage))
		return
	}
	fmt.Fprintf(w, "log    %s, #%d to #%d, with %s in %s: %s, every byte as it was written\n",
		term.Count(r.Entries, "entry", "entries"), r.Floor, r.Last, term.Count(r.Messages, "message", "messages"),
		term.Count(r.Batches, "batch", "batches"), humanize.IBytes(r.Bytes))
	fmt.Fprintf(w, "index  %s, neither more nor fewer than the batches call for\n", term.Count(r.Index, "key", "keys"))
	if r.Audit != nil {
		fmt.Fprintf(w, "audit  %s in order, the newest %s\n", term.Count(r.Audit.Events, "change", "changes"),
			r.Audit.Position)
	}
}
