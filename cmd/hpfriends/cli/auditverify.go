package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/query/view"
)

func verifyAudit(c *cli.Context, server *api.Client) error {
	bar := term.NewProgress(c.App.ErrWriter, "events", 0)
	v, err := api.VerifyAudit.Run(c.Context, server, func(p api.Progress) { bar.Reach(p.Done, p.Total) })
	bar.Clear()
	if err != nil {
		return err
	}
	err = cmdline.Show(c, v, func(w io.Writer) {
		if v.Fault != nil {
			fmt.Fprintf(w, "the first event that is wrong is #%d: %s: %s\n", v.Fault.Index, term.Visible(v.Fault.Kind),
				term.Visible(v.Fault.Reason))
			return
		}
		fmt.Fprintf(w, "%d events are as they were written, in their order and without a gap\n", v.Events)
		fmt.Fprintf(w, "newest   %s  %s\nhash     %s\n", v.Position, term.Time(v.Time), v.Hash)
		fmt.Fprintf(w, "compared with %d entries of the log, %d refused changes and %d stored graphs\n",
			v.Compared, v.Refused, v.StoredGraphs)
	})
	if err == nil && v.Fault != nil {
		err = cmdline.Fail(cmdline.ExitFailed, "")
	}
	return err
}

// tailAudit asks the server once a second whether there is a new change, and for the changes only if there is.
func tailAudit(c *cli.Context, server *api.Client) error {
	in, err := auditFilter(c)
	if err != nil {
		return err
	}
	in.Order = "oldest"
	seen, known := uint64(0), c.IsSet("since")
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		status, err := api.ShowStatus.Call(c.Context, server, api.None{})
		if err != nil {
			return err
		}
		if known && status.Index > seen {
			in.After = seen
			if seen, err = printEvents(c, server, in); err != nil {
				return err
			}
		}
		seen, known = max(seen, status.Index), true
		select {
		case <-tick.C:
		case <-c.Context.Done():
			return c.Context.Err()
		}
	}
}

// printEvents prints the events behind in.After and returns the index of the last.
func printEvents(c *cli.Context, server *api.Client, in api.AuditQuery) (last uint64, err error) {
	last = in.After
	for e, err := range api.ListAudit.Each(c.Context, server, in) {
		if err != nil {
			return last, err
		}
		if err := printEvent(c, e); err != nil {
			return last, err
		}
		last = e.Index
	}
	return last, nil
}

func printEvent(c *cli.Context, e view.AuditEvent) error {
	if c.Bool("json") {
		return term.WriteJSON(c.App.Writer, e)
	}
	_, err := fmt.Fprintf(c.App.Writer, "%s  %s  %s  %s  %s  %s\n", term.Time(e.Time), e.Position, term.Visible(e.By),
		term.Visible(e.Op), term.Visible(objectName(e.Object)), term.Visible(briefly(e.Changes)))
	return err
}
