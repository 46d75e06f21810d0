package cli

import (
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/internal/timespec"
	"hpfriends/query"
)

func Token() *cli.Command {
	return &cli.Command{
		Name: "token", Usage: "API tokens", Subcommands: []*cli.Command{
			cmdline.APICommand("add", "add a token and print it, this once", "", func(c *cli.Context, api *cmdline.Client) error {
				in := map[string]any{"comment": c.String("comment")}
				if c.IsSet("expires") {
					t, err := timespec.Future(c.String("expires"), time.Now())
					if err != nil {
						return cmdline.Usage("--expires: %v", err)
					}
					in["expires"] = t
				}
				var out struct {
					ID    uint64 `json:"id"`
					Token string `json:"token"`
				}
				if err := api.Call(c.Context, "POST", "/tokens", in, &out); err != nil {
					return err
				}
				return cmdline.Show(c, out, func(w io.Writer) { fmt.Fprintln(w, out.Token) })
			}, &cli.StringFlag{Name: "comment", Usage: "what it is for"}, &cli.StringFlag{Name: "expires", Usage: "`TIME`: " + timespec.Forms},
				&cli.StringFlag{Name: "user", Usage: "with --server, for the first token: log in as `USER`"},
				&cli.StringFlag{Name: "password-file", Usage: "`FILE` with the password, - for standard input"}),
			cmdline.APICommand("ls", "list your tokens", "", func(c *cli.Context, api *cmdline.Client) error {
				all, err := cmdline.Pages[query.Token](c.Context, api, "/tokens")
				if err != nil {
					return err
				}
				return cmdline.Show(c, all, func(w io.Writer) {
					var rows [][]string
					for _, t := range all {
						rows = append(rows, []string{fmt.Sprint(t.ID), t.Owner, t.Comment, term.Time(t.Created), term.OptionalTime(t.Expires)})
					}
					term.Table(w, []string{"Id", "Owner", "Comment", "Since", "Expires"}, rows)
				})
			}),
			cmdline.APICommand("rm", "remove a token", "ID", func(c *cli.Context, api *cmdline.Client) error {
				args, err := cmdline.Args(c, "ID")
				if err != nil {
					return err
				}
				return api.Call(c.Context, "DELETE", "/tokens/"+url.PathEscape(args[0]), nil, nil)
			}),
		},
	}
}
