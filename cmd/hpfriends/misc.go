package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"runtime"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"hpfriends/internal/timespec"
	"hpfriends/query"
)

func tokenCommand() *cli.Command {
	return &cli.Command{
		Name: "token", Usage: "API tokens", Subcommands: []*cli.Command{
			leaf("add", "add a token and print it, this once", "", func(c *cli.Context, api *client) error {
				in := map[string]any{"comment": c.String("comment")}
				if c.IsSet("expires") {
					t, err := timespec.Future(c.String("expires"), time.Now())
					if err != nil {
						return usage("--expires: %v", err)
					}
					in["expires"] = t
				}
				var out struct {
					ID    uint64 `json:"id"`
					Token string `json:"token"`
				}
				if err := api.call(c.Context, "POST", "/tokens", in, &out); err != nil {
					return err
				}
				return show(c, out, func(w io.Writer) { fmt.Fprintln(w, out.Token) })
			}, &cli.StringFlag{Name: "comment", Usage: "what it is for"}, &cli.StringFlag{Name: "expires", Usage: "`TIME`: " + timespec.Forms},
				&cli.StringFlag{Name: "user", Usage: "with --server, for the first token: log in as `USER`"},
				&cli.StringFlag{Name: "password-file", Usage: "`FILE` with the password, - for standard input"}),
			leaf("ls", "list your tokens", "", func(c *cli.Context, api *client) error {
				all, err := pages[query.Token](c.Context, api, "/tokens")
				if err != nil {
					return err
				}
				return show(c, all, func(w io.Writer) {
					var rows [][]string
					for _, t := range all {
						rows = append(rows, []string{fmt.Sprint(t.ID), t.Owner, t.Comment, moment(t.Created), moments(t.Expires)})
					}
					list(w, []string{"Id", "Owner", "Comment", "Since", "Expires"}, rows)
				})
			}),
			leaf("rm", "remove a token", "ID", func(c *cli.Context, api *client) error {
				args, err := words(c, "ID")
				if err != nil {
					return err
				}
				return api.call(c.Context, "DELETE", "/tokens/"+escape(args[0]), nil, nil)
			}),
		},
	}
}

func logCommand() *cli.Command {
	filter := []cli.Flag{
		&cli.StringFlag{Name: "since", Usage: "rows seen since `TIME`: " + timespec.Forms},
		&cli.StringFlag{Name: "key", Usage: "of this `IDENT`"},
		&cli.StringFlag{Name: "channel", Aliases: []string{"c"}, Usage: "on this `CHANNEL`"},
		&cli.StringFlag{Name: "ip", Usage: "from this `ADDRESS`"},
		&cli.IntFlag{Name: "limit", Value: 1000, Usage: "the newest `N` rows"},
	}
	ls := leaf("ls", "list what was refused, newest first", "", func(c *cli.Context, api *client) error {
		rows, err := readLogs(c.Context, c, api)
		if err != nil {
			return err
		}
		return show(c, rows, func(w io.Writer) { listLogs(w, rows) })
	}, filter...)
	ls.Aliases = []string{"list"}
	return &cli.Command{
		Name: "log", Usage: "misuse of your authkeys: why something was refused; and what is in the log", Subcommands: []*cli.Command{
			ls, leaf("tail", "print rows as they come, until Ctrl-C", "", tailLogs, filter...), logDumpCommand(),
		},
	}
}

func readLogs(ctx context.Context, c *cli.Context, api *client) ([]query.LogRow, error) {
	q := url.Values{"limit": {fmt.Sprint(c.Int("limit"))}, "ident": {c.String("key")}, "channel": {c.String("channel")}, "address": {c.String("ip")}}
	if c.IsSet("since") {
		t, err := timespec.Past(c.String("since"), time.Now())
		if err != nil {
			return nil, usage("--since: %v", err)
		}
		q.Set("since", t.UTC().Format(time.RFC3339Nano))
	}
	var rows []query.LogRow
	err := api.call(ctx, "GET", "/logs?"+q.Encode(), nil, &rows)
	return rows, err
}

// tailLogs polls: rows come every few seconds at most, because nodes report them so.
func tailLogs(c *cli.Context, api *client) error {
	type id struct{ identifier, message, channel, address string }
	seen := make(map[id]uint64)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for first := true; ; first = false {
		rows, err := readLogs(c.Context, c, api)
		if err != nil {
			return err
		}
		for i := len(rows) - 1; i >= 0; i-- {
			r := rows[i]
			k := id{r.Identifier, r.Message, r.Channel, r.Address + r.First.String()}
			if seen[k] == r.Count {
				continue
			}
			seen[k] = r.Count
			if first && !c.IsSet("since") {
				continue
			}
			if c.Bool("json") {
				err = writeJSON(c.App.Writer, r)
			} else {
				_, err = fmt.Fprintf(c.App.Writer, "%s  %s  %s  %s  %s  x%d\n", moment(r.Time), printable(r.Identifier), printable(r.Message), printable(r.Channel), printable(r.Address), r.Count)
			}
			if err != nil {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-c.Context.Done():
			return c.Context.Err()
		}
	}
}

func listLogs(w io.Writer, all []query.LogRow) {
	var rows [][]string
	for _, r := range all {
		rows = append(rows, []string{moment(r.Time), r.Identifier, r.Message, r.Channel, r.Address, fmt.Sprint(r.Count)})
	}
	list(w, []string{"Time", "Identifier", "Message", "Channel", "IP address", "Count"}, rows)
}

func statusCommand() *cli.Command {
	return leaf("status", "show the state of the server", "", func(c *cli.Context, api *client) error {
		var s struct {
			Version string `json:"version"`
			Ready   bool   `json:"ready"`
			Reason  string `json:"reason,omitempty"`
			Index   uint64 `json:"index"`

			Log   *query.Retained    `json:"log,omitempty"`
			Scrub *query.ScrubStatus `json:"scrub,omitempty"`
		}
		if err := api.call(c.Context, "GET", "/status", nil, &s); err != nil {
			return err
		}
		return show(c, s, func(w io.Writer) {
			fmt.Fprintf(w, "version %s\nready   %s %s\nchange  #%d\n", s.Version, yesNo(s.Ready), s.Reason, s.Index)
			if s.Log != nil {
				fmt.Fprintf(w, "log     %s from %s, %s on disk\n", humanize.IBytes(uint64(s.Log.Bytes)), s.Log.Floor, humanize.IBytes(s.Log.DiskBytes))
			}
			if s.Log != nil && s.Log.Oldest != nil {
				fmt.Fprintf(w, "oldest  %s\n", moment(*s.Log.Oldest))
			}
			if s.Scrub != nil {
				printScrub(w, *s.Scrub)
			}
		})
	})
}

func printScrub(w io.Writer, s query.ScrubStatus) {
	last := "never completed"
	if s.Completed != nil {
		last = "last completed " + moment(*s.Completed)
	}
	fmt.Fprintf(w, "scrub   %.0f %% of this round, %s\n", 100*s.Passed, last)
	if s.Damage != "" {
		fmt.Fprintf(w, "DAMAGE  %s\n", printable(s.Damage))
	}
}

func versionCommand() *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "print the version", Flags: []cli.Flag{dataDirFlag(), &cli.BoolFlag{Name: "json", Usage: "print JSON"}},
		Action: func(c *cli.Context) error {
			v := struct {
				Version string `json:"version"`
				Go      string `json:"go"`
			}{version, runtime.Version()}
			return show(c, v, func(w io.Writer) { fmt.Fprintf(w, "hpfriends %s (%s)\n", v.Version, v.Go) })
		},
	}
}
