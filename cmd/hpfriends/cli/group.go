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

func Group() *cli.Command {
	ls := cmdline.APICommand("ls", "list groups", "", func(c *cli.Context, server *api.Client) error {
		all, err := api.ListGroups.All(c.Context, server, api.Page{})
		if err != nil {
			return err
		}
		return cmdline.Show(c, all, func(w io.Writer) { listGroups(w, all) })
	})
	ls.Aliases = []string{"list"}
	member := func(name, text string, do func(c *cli.Context, server *api.Client, m api.MemberPath) error) *cli.Command {
		return cmdline.APICommand(name, text, "GROUP USER", func(c *cli.Context, server *api.Client) error {
			args, err := cmdline.Args(c, "GROUP", "USER")
			if err != nil {
				return err
			}
			return do(c, server, api.MemberPath{GroupPath: api.GroupPath{Group: args[0]}, User: args[1]})
		})
	}
	setAdmin := func(admin bool) func(c *cli.Context, server *api.Client, m api.MemberPath) error {
		return func(c *cli.Context, server *api.Client, m api.MemberPath) error {
			in := api.MemberEdit{MemberPath: m, Body: api.MemberChanges{Admin: admin}}
			_, err := api.EditMember.Call(c.Context, server, in)
			return err
		}
	}
	return &cli.Command{
		Name: "group", Usage: "groups of users", Subcommands: []*cli.Command{
			cmdline.APICommand("add", "add a group, with yourself as its admin", "NAME",
				func(c *cli.Context, server *api.Client) error {
					args, err := cmdline.Args(c, "NAME")
					if err != nil {
						return err
					}
					out, err := api.AddGroup.Call(c.Context, server, api.With[api.NewGroup]{Body: api.NewGroup{Name: args[0]}})
					if err != nil {
						return err
					}
					return cmdline.ShowMade(c, out, out.ID, fmt.Sprintf("%s is a group now, with you as its admin and only member.",
						args[0]))
				}),
			ls,
			cmdline.APICommand("show", "show a group and its members", "GROUP", func(c *cli.Context, server *api.Client) error {
				args, err := cmdline.Args(c, "GROUP")
				if err != nil {
					return err
				}
				g, err := api.ShowGroup.Call(c.Context, server, api.GroupPath{Group: args[0]})
				if err != nil {
					return err
				}
				return cmdline.Show(c, g, func(w io.Writer) { listMembers(w, g) })
			}),
			member("add-member", "add a member", func(c *cli.Context, server *api.Client, m api.MemberPath) error {
				in := api.MemberAdd{GroupPath: m.GroupPath, Body: api.NewMember{User: m.User}}
				_, err := api.AddMember.Call(c.Context, server, in)
				return err
			}),
			member("remove-member", "remove a member", func(c *cli.Context, server *api.Client, m api.MemberPath) error {
				_, err := api.RemoveMember.Call(c.Context, server, m)
				return err
			}),
			cmdline.APICommand("leave", "leave a group", "GROUP", func(c *cli.Context, server *api.Client) error {
				args, err := cmdline.Args(c, "GROUP")
				if err != nil {
					return err
				}
				me, err := api.ShowWhoami.Call(c.Context, server, api.None{})
				if err != nil {
					return err
				}
				if me.User == "" {
					return cmdline.Usage("say who leaves: --as USER")
				}
				_, err = api.LeaveGroup.Call(c.Context, server, api.GroupPath{Group: args[0]})
				return err
			}),
			member("promote", "make a member an admin of the group", setAdmin(true)),
			member("demote", "make an admin of the group a plain member", setAdmin(false)),
			cmdline.APICommand("rm", "remove a group and the shares with it", "GROUP",
				func(c *cli.Context, server *api.Client) error {
					args, err := cmdline.Args(c, "GROUP")
					if err != nil {
						return err
					}
					_, err = api.RemoveGroup.Call(c.Context, server, api.GroupPath{Group: args[0]})
					return err
				}),
		},
	}
}

func listGroups(w io.Writer, all []query.Group) {
	var rows [][]string
	for _, g := range all {
		var members, admins []string
		for _, m := range g.Members {
			members = append(members, m.User)
			if m.Admin {
				admins = append(admins, m.User)
			}
		}
		if g.ID == graph.Everyone {
			members, admins = []string{"all users"}, nil
		}
		rows = append(rows, []string{g.Name, term.Joined(members), term.Joined(admins)})
	}
	term.Table(w, []string{"Name", "Members", "Admin(s)"}, rows)
}

func listMembers(w io.Writer, g query.Group) {
	var rows [][]string
	for _, m := range g.Members {
		rows = append(rows, []string{m.User, term.YesNo(m.Admin), term.Time(m.Joined)})
	}
	term.Table(w, []string{"Member", "Admin", "Since"}, rows)
}
