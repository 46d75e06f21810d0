package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/eventlog/entry"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/ndjson"
	"hpfriends/internal/term"
	"hpfriends/query"
	"hpfriends/query/view"
)

// logDumpCommand looks inside the log: of a running server, or of the data directory of a stopped one.
func logDumpCommand() *cli.Command {
	return cmdline.APICommand("dump", "look inside the entries of the log itself; for the owner of the data directory", "",
		func(c *cli.Context, server *api.Client) error {
			from, err := entry.ParsePosition(c.String("from"))
			if err != nil {
				return cmdline.Usage("--from %s: want a position like #812", c.String("from"))
			}
			limit := c.Int("limit")
			if limit < 1 {
				return cmdline.Usage("--limit: want at least 1")
			}
			all, err := dumpEntries(c, server, from.Index, limit)
			if err != nil {
				return err
			}
			if c.Bool("json") {
				for _, e := range all {
					if err := term.WriteJSON(c.App.Writer, e); err != nil {
						return err
					}
				}
				return nil
			}
			for _, e := range all {
				printEntry(c.App.Writer, e)
			}
			return nil
		},
		&cli.StringFlag{Name: "from", Value: "#1", Usage: "begin at `POSITION`"},
		&cli.IntFlag{Name: "limit", Value: 100, Usage: "at most `N` entries"},
	)
}

func dumpEntries(c *cli.Context, server *api.Client, from uint64, limit int) (all []view.LogEntry, err error) {
	if c.String("server") == "" && !ServerRuns(c.String("data-dir")) {
		log, err := OpenStopped(c.String("data-dir"))
		if err != nil {
			return nil, err
		}
		all, err = query.Entries(log, from, limit)
		return all, errors.Join(err, log.Close())
	}
	const most = 1000 // of one answer
	for len(all) < limit {
		in := api.EntriesQuery{From: from, Limit: min(limit-len(all), most)}
		part, err := api.ListEntries.Call(c.Context, server, in)
		if err != nil {
			return all, err
		}
		if len(part) == 0 {
			break
		}
		all = append(all, part...)
		from = part[len(part)-1].Index + 1
	}
	return all, nil
}

func printEntry(w io.Writer, e view.LogEntry) {
	appended := ""
	if e.Appended != nil {
		appended = term.Time(*e.Appended)
	}
	fmt.Fprintf(w, "#%d  term %d  %s  %s  %d bytes", e.Index, e.Term, appended, term.Visible(e.Kind), e.Bytes)
	if e.Session != "" {
		fmt.Fprintf(w, "  session %.8s seq %d", e.Session, e.Seq)
	}
	if e.Hidden {
		fmt.Fprint(w, "  hidden: a repetition")
	}
	fmt.Fprintln(w)
	for _, r := range e.Runs {
		fmt.Fprintf(w, "  .%d  %s  %d bytes  %s  authkey %d  origin %d  %s  %s\n",
			r.First, term.Count(r.Count, "message", "messages"), r.Bytes, term.Visible(r.Channel),
			r.Authkey, r.Origin, term.Time(r.Time), r.Remote)
	}
	if len(e.Content) > 0 {
		fmt.Fprintf(w, "  %s\n", term.Visible(string(ndjson.Escape(e.Content))))
	}
}
