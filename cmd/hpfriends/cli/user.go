package cli

import (
	"fmt"
	"io"
	"net/url"

	"github.com/urfave/cli/v2"

	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/query"
)

func User() *cli.Command {
	ls := cmdline.APICommand("ls", "list users", "", func(c *cli.Context, api *cmdline.Client) error {
		all, err := cmdline.Pages[query.User](c.Context, api, "/users")
		if err != nil {
			return err
		}
		return cmdline.Show(c, all, func(w io.Writer) { listUsers(w, all) })
	})
	ls.Aliases = []string{"list"}
	rm := cmdline.APICommand("rm", "remove a user with their authkeys, shares and memberships", "NAME", func(c *cli.Context, api *cmdline.Client) error {
		return onUser(c, func(path string) error { return api.Call(c.Context, "DELETE", path, nil, nil) })
	})
	rm.Aliases = []string{"remove"}
	return &cli.Command{
		Name: "user", Usage: "accounts", Subcommands: []*cli.Command{
			cmdline.APICommand("add", "add a user", "NAME", addUser,
				&cli.StringFlag{Name: "role", Value: "member", Usage: "member, auditor or admin"},
				&cli.StringFlag{Name: "name", Usage: "display name"},
				&cli.StringFlag{Name: "password-file", Usage: "`FILE` with the password, - for standard input"}),
			ls,
			cmdline.APICommand("show", "show a user", "NAME", func(c *cli.Context, api *cmdline.Client) error {
				return onUser(c, func(path string) error {
					var u query.User
					if err := api.Call(c.Context, "GET", path, nil, &u); err != nil {
						return err
					}
					return cmdline.Show(c, u, func(w io.Writer) { listUsers(w, []query.User{u}) })
				})
			}),
			cmdline.APICommand("edit", "change a user", "NAME", editUser,
				&cli.StringFlag{Name: "role", Usage: "member, auditor or admin"}, &cli.StringFlag{Name: "name", Usage: "display name"}),
			cmdline.APICommand("passwd", "set a user's password", "NAME", func(c *cli.Context, api *cmdline.Client) error {
				password, err := cmdline.ReadSecret(c.String("password-file"))
				if err != nil {
					return err
				}
				if password == "" {
					return cmdline.Usage("give --password-file")
				}
				return patchUser(c, api, map[string]any{"password": password})
			}, &cli.StringFlag{Name: "password-file", Usage: "`FILE` with the password, - for standard input"}),
			cmdline.APICommand("enable", "enable a user", "NAME", func(c *cli.Context, api *cmdline.Client) error {
				return patchUser(c, api, map[string]any{"enabled": true})
			}),
			cmdline.APICommand("disable", "disable a user: their connections end, their shares count for nothing", "NAME", func(c *cli.Context, api *cmdline.Client) error {
				return patchUser(c, api, map[string]any{"enabled": false})
			}),
			rm,
		},
	}
}

func onUser(c *cli.Context, do func(path string) error) error {
	args, err := cmdline.Args(c, "NAME")
	if err != nil {
		return err
	}
	return do("/users/" + url.PathEscape(args[0]))
}

func addUser(c *cli.Context, api *cmdline.Client) error {
	args, err := cmdline.Args(c, "NAME")
	if err != nil {
		return err
	}
	password, err := cmdline.ReadSecret(c.String("password-file"))
	if err != nil {
		return err
	}
	in := map[string]any{"handle": args[0], "name": c.String("name"), "role": c.String("role"), "password": password}
	var out cmdline.Made
	if err := api.Call(c.Context, "POST", "/users", in, &out); err != nil {
		return err
	}
	return cmdline.Show(c, out, func(w io.Writer) { fmt.Fprintln(w, out.ID) })
}

func editUser(c *cli.Context, api *cmdline.Client) error {
	in := map[string]any{}
	for _, f := range []string{"role", "name"} {
		if c.IsSet(f) {
			in[f] = c.String(f)
		}
	}
	if len(in) == 0 {
		return cmdline.Usage("nothing to change: give --role or --name")
	}
	return patchUser(c, api, in)
}

func patchUser(c *cli.Context, api *cmdline.Client, in map[string]any) error {
	return onUser(c, func(path string) error { return api.Call(c.Context, "PATCH", path, in, nil) })
}

func listUsers(w io.Writer, all []query.User) {
	var rows [][]string
	for _, u := range all {
		rows = append(rows, []string{u.Handle, u.Name, string(u.Role), term.Optional(u.Enabled, term.YesNo), term.OptionalTime(u.Created)})
	}
	term.Table(w, []string{"User", "Name", "Role", "Enabled", "Since"}, rows)
}
