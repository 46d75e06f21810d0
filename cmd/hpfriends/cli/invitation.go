package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/datadir"
	"hpfriends/internal/term"
	"hpfriends/query/view"
)

// Invitation returns the command invitation: links by which people become users, or members of a group.
func Invitation() *cli.Command {
	return &cli.Command{
		Name: "invitation", Usage: "open invitations", Subcommands: []*cli.Command{
			cmdline.APICommand("ls", "list open invitations", "", list(api.ListInvitations, invitationsOf, listInvitations),
				&cli.StringFlag{Name: "match", Usage: "in whose note, group, role or inviter all words of `TEXT` occur"}),
			cmdline.APICommand("rm", "take back an invitation", "ID", order(api.RemoveInvitation, invitationOf)),
			cmdline.APICommand("accept", "join the group of an invitation", "", order(api.AcceptInvitation, acceptedOf),
				&cli.StringFlag{Name: "link-file", Usage: "`FILE` with the link, - for standard input"}),
		},
	}
}

func invitationsOf(c *cli.Context) (api.InvitationsQuery, error) {
	return api.InvitationsQuery{Text: c.String("match")}, nil
}

// inviteUser is user invite.
func inviteUser() *cli.Command {
	return cmdline.APICommand("invite", "print a link, this once, by which somebody becomes a user", "",
		func(c *cli.Context, server *api.Client) error {
			return invite(c, server, api.NewInvitation{Role: graph.Role(c.String("role")), Group: c.String("group")})
		},
		inviteFlags(
			&cli.StringFlag{Name: "role", Value: "member", Usage: "`ROLE` of the new user: member, auditor or admin"},
			&cli.StringFlag{Name: "group", Usage: "`GROUP` that they join"},
		)...)
}

// inviteToGroup is group invite.
func inviteToGroup() *cli.Command {
	return cmdline.APICommand("invite", "print a link, this once, by which users join the group", "GROUP",
		func(c *cli.Context, server *api.Client) error {
			return invite(c, server, api.NewInvitation{Group: c.Args().First()})
		},
		inviteFlags()...)
}

func inviteFlags(more ...cli.Flag) []cli.Flag {
	return append(more,
		&cli.IntFlag{Name: "uses", Value: 1, Usage: "how `MANY` may accept it"},
		cmdline.TimeFlag("expires", "`TIME` at which it ends, by default in 7 days"),
		&cli.StringFlag{Name: "note", Usage: "`TEXT`: whom it is for"})
}

func invite(c *cli.Context, server *api.Client, in api.NewInvitation) error {
	in.Uses, in.Note = c.Int("uses"), c.String("note")
	if in.Uses < 1 || in.Uses > graph.MaxInvitationUses {
		return cmdline.Usage("--uses %d: want 1 to %d", in.Uses, graph.MaxInvitationUses)
	}
	if c.IsSet("expires") {
		in.Expires = new(cmdline.Future(c, "expires"))
	}
	out, err := api.AddInvitation.Call(c.Context, server, api.With[api.NewInvitation]{Body: in})
	if err != nil {
		return err
	}
	return cmdline.Show(c, out, func(w io.Writer) { fmt.Fprintln(w, pagesOf(c)+out.Path) })
}

// pagesOf is where the pages of the server are, as far as this command knows.
func pagesOf(c *cli.Context) string {
	if server := c.String("server"); server != "" {
		return strings.TrimRight(server, "/")
	}
	a, err := datadir.ReadAddresses(c.String("data-dir"))
	if err != nil {
		return ""
	}
	return a.URL
}

func invitationOf(c *cli.Context) (api.InvitationPath, error) {
	id, err := idOf(c, "an", "invitation")
	return api.InvitationPath{ID: id}, err
}

func acceptedOf(c *cli.Context) (in api.With[api.InvitationSecret], err error) {
	link, err := cmdline.ReadSecret(c.String("link-file"))
	if err == nil && link == "" {
		err = cmdline.Usage("give --link-file")
	}
	in.Body.Secret = api.NewSecret(link[strings.LastIndex(link, "/")+1:])
	return in, err
}

func listInvitations(w io.Writer, all []view.Invitation) {
	var rows [][]string
	for _, i := range all {
		rows = append(rows, []string{fmt.Sprint(i.ID), i.By, string(i.Role), i.Group, i.Note, fmt.Sprint(i.Uses),
			term.Time(i.Expires)})
	}
	term.Table(w, []string{"Id", "By", "Role", "Group", "Note", "Uses", "Expires"}, rows)
}
