package main

import (
	"fmt"
	"io"
	"net/url"
	"time"

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
				return api.call(c.Context, "DELETE", "/tokens/"+url.PathEscape(args[0]), nil, nil)
			}),
		},
	}
}
