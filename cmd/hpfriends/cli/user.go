package cli

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/graph/limit"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/query/view"
)

// User returns the command user: accounts.
func User() *cli.Command {
	role := &cli.StringFlag{Name: "role", Usage: "`ROLE`: member, auditor or admin"}
	name := &cli.StringFlag{Name: "name", Usage: "display `NAME`"}
	password := &cli.StringFlag{Name: "password-file", Usage: "`FILE` with the password, - for standard input"}
	return &cli.Command{
		Name: "user", Usage: "accounts", Subcommands: []*cli.Command{
			cmdline.APICommand("add", "add a user", "NAME", addUser,
				&cli.StringFlag{Name: "role", Value: "member", Usage: role.Usage}, name, password),
			inviteUser(),
			cmdline.APICommand("ls", "list users", "", list(api.ListUsers, usersOf, listUsers),
				&cli.StringFlag{Name: "match", Usage: "in whose name all words of `TEXT` occur"},
				&cli.StringFlag{Name: "role", Usage: "of `ROLE`: member, auditor or admin"},
				&cli.StringFlag{Name: "state", Usage: "in `STATE`: enabled or disabled"}),
			cmdline.APICommand("show", "show a user", "NAME", show(api.ShowUser, userOf, one(listUsers))),
			cmdline.APICommand("edit", "change a user", "NAME", order(api.EditUser, userEditOf), role, name),
			cmdline.APICommand("limits", "show or change what a user may have and change", "NAME", userLimits, limitFlags()...),
			cmdline.APICommand("passwd", "set a user's password", "NAME", order(api.EditUser, passwordOf), password,
				&cli.StringFlag{Name: "current-file", Usage: "of your own: `FILE` with the present password, - for standard input"}),
			cmdline.APICommand("enable", "enable a user", "NAME", order(api.EditUser, userEnabled(true))),
			cmdline.APICommand("disable", "disable a user: their connections end, their shares count for nothing", "NAME",
				order(api.EditUser, userEnabled(false))),
			cmdline.APICommand("export", "print all that is kept about you as JSON, without secrets", "", exportUser),
			cmdline.APICommand("rm", "remove a user with their authkeys, shares and memberships", "NAME",
				order(api.RemoveUser, userOf)),
		},
	}
}

func usersOf(c *cli.Context) (api.UsersQuery, error) {
	return api.UsersQuery{Text: c.String("match"), Role: c.String("role"), State: c.String("state")}, nil
}

func userOf(c *cli.Context) (api.HandlePath, error) {
	return api.HandlePath{Handle: c.Args().First()}, nil
}

func userEditOf(c *cli.Context) (in api.UserEdit, err error) {
	in.Handle = c.Args().First()
	if c.IsSet("role") {
		in.Body.Role = new(graph.Role(c.String("role")))
	}
	if c.IsSet("name") {
		in.Body.Name = new(c.String("name"))
	}
	if in.Body == (api.UserChanges{}) {
		return in, cmdline.Usage("nothing to change: give --role or --name")
	}
	return in, nil
}

func limitFlags() (all []cli.Flag) {
	for k := range limit.All() {
		if k == limit.Bytes {
			usage := fmt.Sprintf("changes of `SIZE` a day at most; 0: the default, %d MiB", k.Default()>>20)
			all = append(all, cmdline.SizeFlag(k.String(), "", usage))
			continue
		}
		usage := fmt.Sprintf("at most `N` %s; 0: the default, %d", k.About(), k.Default())
		all = append(all, &cli.UintFlag{Name: k.String(), Usage: usage})
	}
	return all
}

// userLimits sets the limits that flags name, or shows all of them.
func userLimits(c *cli.Context, server *api.Client) error {
	var set limit.Set
	for k := range limit.All() {
		if c.IsSet(k.String()) {
			n := uint64(c.Uint(k.String()))
			if k == limit.Bytes {
				n = uint64(cmdline.Size(c, k.String()))
			}
			if n > limit.Max {
				return cmdline.Usage("--%s %d: a limit is at most %d", k, n, limit.Max)
			}
			*set.Field(k) = new(uint32(n))
		}
	}
	if set != (limit.Set{}) {
		in := api.LimitsEdit{HandlePath: api.HandlePath{Handle: c.Args().First()}, Body: api.LimitChanges(set)}
		if _, err := api.SetLimits.Call(c.Context, server, in); err != nil {
			return err
		}
	}
	u, err := api.ShowUser.Call(c.Context, server, api.HandlePath{Handle: c.Args().First()})
	if err != nil {
		return err
	}
	if len(u.Limits) == 0 {
		return cmdline.Fail(cmdline.ExitDenied, "the limits of "+u.Handle+" are for them, auditors and admins to see")
	}
	return cmdline.Show(c, u, func(w io.Writer) { listLimits(w, u) })
}

func listLimits(w io.Writer, u view.User) {
	var rows [][]string
	for _, l := range u.Limits {
		used := ""
		if l.Used != nil {
			used = fmt.Sprint(*l.Used)
		}
		rows = append(rows, []string{l.Name, used, fmt.Sprint(l.Most), term.YesNo(l.Own), l.About})
	}
	term.Table(w, []string{"Limit", "Used", "At most", "Set", "What"}, rows)
}

func passwordOf(c *cli.Context) (in api.UserEdit, err error) {
	in.Handle = c.Args().First()
	password, err := cmdline.ReadSecret(c.String("password-file"))
	if err == nil && password == "" {
		err = cmdline.Usage("give --password-file")
	}
	in.Body.Password = new(api.NewSecret(password))
	if err == nil {
		password, err = cmdline.ReadSecret(c.String("current-file"))
		in.Body.Current = api.NewSecret(password)
	}
	return in, err
}

func userEnabled(on bool) func(*cli.Context) (api.UserEdit, error) {
	return func(c *cli.Context) (in api.UserEdit, err error) {
		in.Handle = c.Args().First()
		in.Body.Enabled = &on
		return in, nil
	}
}

func addUser(c *cli.Context, server *api.Client) error {
	password, err := cmdline.ReadSecret(c.String("password-file"))
	if err != nil {
		return err
	}
	in := api.NewUser{
		Handle: c.Args().First(), Name: c.String("name"), Role: graph.Role(c.String("role")),
		Password: api.NewSecret(password),
	}
	out, err := api.AddUser.Call(c.Context, server, api.With[api.NewUser]{Body: in})
	if err != nil {
		return err
	}
	return cmdline.ShowMade(c, out, out.ID, fmt.Sprintf("%s is a user now, as %s. Their first authkey: "+
		"hpfriends authkey add --as %s --ident IDENT --pub CHANNEL", in.Handle, in.Role, in.Handle))
}

func listUsers(w io.Writer, all []view.User) {
	var rows [][]string
	for _, u := range all {
		rows = append(rows, []string{u.Handle, u.Name, string(u.Role), term.Optional(u.Enabled, term.YesNo),
			term.OptionalTime(u.Created)})
	}
	term.Table(w, []string{"User", "Name", "Role", "Enabled", "Since"}, rows)
}

// exportUser prints JSON, whatever is asked for: it is for programs.
func exportUser(c *cli.Context, server *api.Client) error {
	all, err := api.ShowAccount.Call(c.Context, server, api.None{})
	if err != nil {
		return err
	}
	return term.WriteJSON(c.App.Writer, all)
}
