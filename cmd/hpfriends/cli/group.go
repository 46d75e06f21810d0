package cli

import (
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/urfave/cli/v2"

	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/query"
)

func Group() *cli.Command {
	ls := cmdline.APICommand("ls", "list groups", "", func(c *cli.Context, api *cmdline.Client) error {
		all, err := cmdline.Pages[query.Group](c.Context, api, "/groups")
		if err != nil {
			return err
		}
		return cmdline.Show(c, all, func(w io.Writer) { listGroups(w, all) })
	})
	ls.Aliases = []string{"list"}
	member := func(name, text string, do func(c *cli.Context, api *cmdline.Client, group, user string) error) *cli.Command {
		return cmdline.APICommand(name, text, "GROUP USER", func(c *cli.Context, api *cmdline.Client) error {
			args, err := cmdline.Args(c, "GROUP", "USER")
			if err != nil {
				return err
			}
			return do(c, api, url.PathEscape(args[0]), args[1])
		})
	}
	setAdmin := func(admin bool) func(c *cli.Context, api *cmdline.Client, group, user string) error {
		return func(c *cli.Context, api *cmdline.Client, group, user string) error {
			return api.Call(c.Context, "PATCH", "/groups/"+group+"/members/"+url.PathEscape(user), map[string]any{"admin": admin}, nil)
		}
	}
	return &cli.Command{
		Name: "group", Usage: "groups of users", Subcommands: []*cli.Command{
			cmdline.APICommand("add", "add a group, with yourself as its admin", "NAME", func(c *cli.Context, api *cmdline.Client) error {
				args, err := cmdline.Args(c, "NAME")
				if err != nil {
					return err
				}
				var out cmdline.Made
				if err := api.Call(c.Context, "POST", "/groups", map[string]any{"name": args[0]}, &out); err != nil {
					return err
				}
				return cmdline.Show(c, out, func(w io.Writer) { fmt.Fprintln(w, out.ID) })
			}),
			ls,
			cmdline.APICommand("show", "show a group and its members", "GROUP", func(c *cli.Context, api *cmdline.Client) error {
				args, err := cmdline.Args(c, "GROUP")
				if err != nil {
					return err
				}
				var g query.Group
				if err := api.Call(c.Context, "GET", "/groups/"+url.PathEscape(args[0]), nil, &g); err != nil {
					return err
				}
				return cmdline.Show(c, g, func(w io.Writer) { listMembers(w, g) })
			}),
			member("add-member", "add a member", func(c *cli.Context, api *cmdline.Client, group, user string) error {
				return api.Call(c.Context, "POST", "/groups/"+group+"/members", map[string]any{"user": user}, nil)
			}),
			member("remove-member", "remove a member", func(c *cli.Context, api *cmdline.Client, group, user string) error {
				return api.Call(c.Context, "DELETE", "/groups/"+group+"/members/"+url.PathEscape(user), nil, nil)
			}),
			cmdline.APICommand("leave", "leave a group", "GROUP", func(c *cli.Context, api *cmdline.Client) error {
				args, err := cmdline.Args(c, "GROUP")
				if err != nil {
					return err
				}
				var me struct{ User string }
				if err := api.Call(c.Context, "GET", "/whoami", nil, &me); err != nil {
					return err
				}
				if me.User == "" {
					return cmdline.Usage("say who leaves: --as USER")
				}
				return api.Call(c.Context, "DELETE", "/groups/"+url.PathEscape(args[0])+"/members/"+url.PathEscape(me.User), nil, nil)
			}),
			member("promote", "make a member an admin of the group", setAdmin(true)),
			member("demote", "make an admin of the group a plain member", setAdmin(false)),
			cmdline.APICommand("rm", "remove a group and the shares with it", "GROUP", func(c *cli.Context, api *cmdline.Client) error {
				args, err := cmdline.Args(c, "GROUP")
				if err != nil {
					return err
				}
				return api.Call(c.Context, "DELETE", "/groups/"+url.PathEscape(args[0]), nil, nil)
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
		rows = append(rows, []string{g.Name, strings.Join(members, " "), strings.Join(admins, " ")})
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
