package cli

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/query"
)

func User() *cli.Command {
	ls := cmdline.APICommand("ls", "list users", "", func(c *cli.Context, server *api.Client) error {
		all, err := api.ListUsers.All(c.Context, server, api.Page{})
		if err != nil {
			return err
		}
		return cmdline.Show(c, all, func(w io.Writer) { listUsers(w, all) })
	})
	ls.Aliases = []string{"list"}
	rm := cmdline.APICommand("rm", "remove a user with their authkeys, shares and memberships", "NAME",
		func(c *cli.Context, server *api.Client) error {
			return onUser(c, func(user api.HandlePath) error {
				_, err := api.RemoveUser.Call(c.Context, server, user)
				return err
			})
		})
	rm.Aliases = []string{"remove"}
	return &cli.Command{
		Name: "user", Usage: "accounts", Subcommands: []*cli.Command{
			cmdline.APICommand("add", "add a user", "NAME", addUser,
				&cli.StringFlag{Name: "role", Value: "member", Usage: "member, auditor or admin"},
				&cli.StringFlag{Name: "name", Usage: "display name"},
				&cli.StringFlag{Name: "password-file", Usage: "`FILE` with the password, - for standard input"}),
			ls,
			cmdline.APICommand("show", "show a user", "NAME", func(c *cli.Context, server *api.Client) error {
				return onUser(c, func(user api.HandlePath) error {
					u, err := api.ShowUser.Call(c.Context, server, user)
					if err != nil {
						return err
					}
					return cmdline.Show(c, u, func(w io.Writer) { listUsers(w, []query.User{u}) })
				})
			}),
			cmdline.APICommand("edit", "change a user", "NAME", editUser,
				&cli.StringFlag{Name: "role", Usage: "member, auditor or admin"},
				&cli.StringFlag{Name: "name", Usage: "display name"}),
			cmdline.APICommand("passwd", "set a user's password", "NAME", func(c *cli.Context, server *api.Client) error {
				password, err := cmdline.ReadSecret(c.String("password-file"))
				if err != nil {
					return err
				}
				if password == "" {
					return cmdline.Usage("give --password-file")
				}
				secret := api.NewSecret(password)
				return patchUser(c, server, api.UserChanges{Password: &secret})
			}, &cli.StringFlag{Name: "password-file", Usage: "`FILE` with the password, - for standard input"}),
			cmdline.APICommand("enable", "enable a user", "NAME", func(c *cli.Context, server *api.Client) error {
				return patchUser(c, server, api.UserChanges{Enabled: new(true)})
			}),
			cmdline.APICommand("disable", "disable a user: their connections end, their shares count for nothing", "NAME",
				func(c *cli.Context, server *api.Client) error {
					return patchUser(c, server, api.UserChanges{Enabled: new(false)})
				}),
			rm,
		},
	}
}

func onUser(c *cli.Context, do func(user api.HandlePath) error) error {
	args, err := cmdline.Args(c, "NAME")
	if err != nil {
		return err
	}
	return do(api.HandlePath{Handle: args[0]})
}

func addUser(c *cli.Context, server *api.Client) error {
	args, err := cmdline.Args(c, "NAME")
	if err != nil {
		return err
	}
	password, err := cmdline.ReadSecret(c.String("password-file"))
	if err != nil {
		return err
	}
	in := api.NewUser{
		Handle: args[0], Name: c.String("name"), Role: graph.Role(c.String("role")), Password: api.NewSecret(password),
	}
	out, err := api.AddUser.Call(c.Context, server, api.With[api.NewUser]{Body: in})
	if err != nil {
		return err
	}
	return cmdline.ShowMade(c, out, out.ID, fmt.Sprintf("%s is a user now, as %s. Their first authkey: "+
		"hpfriends authkey add --as %s --ident IDENT --pub CHANNEL", in.Handle, in.Role, in.Handle))
}

func editUser(c *cli.Context, server *api.Client) error {
	var in api.UserChanges
	if c.IsSet("role") {
		in.Role = new(graph.Role(c.String("role")))
	}
	if c.IsSet("name") {
		in.Name = new(c.String("name"))
	}
	if in == (api.UserChanges{}) {
		return cmdline.Usage("nothing to change: give --role or --name")
	}
	return patchUser(c, server, in)
}

func patchUser(c *cli.Context, server *api.Client, in api.UserChanges) error {
	return onUser(c, func(user api.HandlePath) error {
		_, err := api.EditUser.Call(c.Context, server, api.UserEdit{HandlePath: user, Body: in})
		return err
	})
}

func listUsers(w io.Writer, all []query.User) {
	var rows [][]string
	for _, u := range all {
		rows = append(rows, []string{u.Handle, u.Name, string(u.Role), term.Optional(u.Enabled, term.YesNo),
			term.OptionalTime(u.Created)})
	}
	term.Table(w, []string{"User", "Name", "Role", "Enabled", "Since"}, rows)
}
