package cli

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/internal/timespec"
)

func Token() *cli.Command {
	return &cli.Command{
		Name: "token", Usage: "API tokens", Subcommands: []*cli.Command{
			cmdline.APICommand("add", "add a token and print it, this once", "", func(c *cli.Context, server *api.Client) error {
				in := api.NewToken{Comment: c.String("comment")}
				if c.IsSet("expires") {
					t, err := timespec.Future(c.String("expires"), time.Now())
					if err != nil {
						return cmdline.Usage("--expires: %v", err)
					}
					in.Expires = &t
				}
				out, err := api.AddToken.Call(c.Context, server, api.With[api.NewToken]{Body: in})
				if err != nil {
					return err
				}
				return cmdline.Show(c, out, func(w io.Writer) { fmt.Fprintln(w, out.Token) })
			}, &cli.StringFlag{Name: "comment", Usage: "what it is for"},
				&cli.StringFlag{Name: "expires", Usage: "`TIME`: " + timespec.Forms},
				&cli.StringFlag{Name: "user", Usage: "with --server, for the first token: log in as `USER`"},
				&cli.StringFlag{Name: "password-file", Usage: "`FILE` with the password, - for standard input"}),
			cmdline.APICommand("ls", "list your tokens", "", func(c *cli.Context, server *api.Client) error {
				all, err := api.ListTokens.All(c.Context, server, api.Page{})
				if err != nil {
					return err
				}
				return cmdline.Show(c, all, func(w io.Writer) {
					var rows [][]string
					for _, t := range all {
						rows = append(rows, []string{fmt.Sprint(t.ID), t.Owner, t.Comment, term.Time(t.Created),
							term.OptionalTime(t.Expires)})
					}
					term.Table(w, []string{"Id", "Owner", "Comment", "Since", "Expires"}, rows)
				})
			}),
			cmdline.APICommand("rm", "remove a token", "ID", func(c *cli.Context, server *api.Client) error {
				args, err := cmdline.Args(c, "ID")
				if err != nil {
					return err
				}
				id, err := strconv.ParseUint(args[0], 10, 64)
				if err != nil {
					return cmdline.Usage("%q is not the id of a token: list them with `hpfriends token ls`", args[0])
				}
				_, err = api.RemoveToken.Call(c.Context, server, api.TokenPath{ID: id})
				return err
			}),
		},
	}
}
