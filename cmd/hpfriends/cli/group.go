package cli

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/query/view"
)

// Group returns the command group: groups of users and their members.
func Group() *cli.Command {
	return &cli.Command{
		Name: "group", Usage: "groups of users", Subcommands: []*cli.Command{
			cmdline.APICommand("add", "add a group, with yourself as its admin", "NAME", addGroup),
			cmdline.APICommand("ls", "list groups", "", list(api.ListGroups, groupsOf, listGroups),
				&cli.StringFlag{Name: "match", Usage: "in whose name all words of `TEXT` occur"}),
			cmdline.APICommand("show", "show a group and its members", "GROUP", show(api.ShowGroup, groupOf, listMembers)),
			cmdline.APICommand("add-member", "add a member", "GROUP USER", order(api.AddMember, newMemberOf)),
			cmdline.APICommand("remove-member", "remove a member", "GROUP USER", order(api.RemoveMember, memberOf)),
			inviteToGroup(),
			cmdline.APICommand("request", "ask to join a group", "GROUP", order(api.AskToJoin, requestOf),
				&cli.StringFlag{Name: "note", Usage: "`TEXT` to the group: who you are"}),
			cmdline.APICommand("requests", "list who asks to join which group", "", listRequests),
			cmdline.APICommand("accept", "make a member of somebody who asks to join", "GROUP USER",
				order(api.AcceptRequest, memberOf)),
			cmdline.APICommand("decline", "decline a request to join, or take back your own", "GROUP USER",
				order(api.RemoveRequest, memberOf)),
			cmdline.APICommand("leave", "leave a group", "GROUP", leaveGroup),
			cmdline.APICommand("promote", "make a member an admin of the group", "GROUP USER",
				order(api.EditMember, memberWithAdmin(true))),
			cmdline.APICommand("demote", "make an admin of the group a plain member", "GROUP USER",
				order(api.EditMember, memberWithAdmin(false))),
			cmdline.APICommand("rm", "remove a group and the shares with it", "GROUP", order(api.RemoveGroup, groupOf)),
		},
	}
}

func groupsOf(c *cli.Context) (api.GroupsQuery, error) {
	return api.GroupsQuery{Text: c.String("match")}, nil
}

func groupOf(c *cli.Context) (api.GroupPath, error) {
	return api.GroupPath{Group: c.Args().First()}, nil
}

func memberOf(c *cli.Context) (api.MemberPath, error) {
	return api.MemberPath{GroupPath: api.GroupPath{Group: c.Args().First()}, User: c.Args().Get(1)}, nil
}

func newMemberOf(c *cli.Context) (api.MemberAdd, error) {
	group, err := groupOf(c)
	return api.MemberAdd{GroupPath: group, Body: api.NewMember{User: c.Args().Get(1)}}, err
}

func memberWithAdmin(admin bool) func(*cli.Context) (api.MemberEdit, error) {
	return func(c *cli.Context) (api.MemberEdit, error) {
		member, err := memberOf(c)
		return api.MemberEdit{MemberPath: member, Body: api.MemberChanges{Admin: admin}}, err
	}
}

func requestOf(c *cli.Context) (api.JoinRequestAdd, error) {
	group, err := groupOf(c)
	return api.JoinRequestAdd{GroupPath: group, Body: api.NewJoinRequest{Note: c.String("note")}}, err
}

// asking is who asks to join a group.
type asking struct {
	Group string `json:"group"`
	view.JoinRequest
}

// listRequests lists the requests of all groups, as far as they are told.
func listRequests(c *cli.Context, server *api.Client) error {
	all := []asking{}
	for g, err := range api.ListGroups.Each(c.Context, server, api.GroupsQuery{}) {
		if err != nil {
			return err
		}
		for _, r := range g.Requests {
			all = append(all, asking{g.Name, r})
		}
	}
	return cmdline.Show(c, all, func(w io.Writer) {
		var rows [][]string
		for _, r := range all {
			rows = append(rows, []string{r.Group, r.User, r.Note, term.Time(r.Since)})
		}
		term.Table(w, []string{"Group", "User", "Note", "Since"}, rows)
	})
}

func addGroup(c *cli.Context, server *api.Client) error {
	name := c.Args().First()
	out, err := api.AddGroup.Call(c.Context, server, api.With[api.NewGroup]{Body: api.NewGroup{Name: name}})
	if err != nil {
		return err
	}
	return cmdline.ShowMade(c, out, out.ID,
		fmt.Sprintf("%s is a group now, with you as its admin and only member.", name))
}

func leaveGroup(c *cli.Context, server *api.Client) error {
	me, err := api.ShowWhoami.Call(c.Context, server, api.None{})
	if err != nil {
		return err
	}
	if me.User == "" {
		return cmdline.Usage("say who leaves: --as USER")
	}
	return order(api.LeaveGroup, groupOf)(c, server)
}

func listGroups(w io.Writer, all []view.Group) {
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

func listMembers(w io.Writer, g view.Group) {
	var rows [][]string
	for _, m := range g.Members {
		rows = append(rows, []string{m.User, term.YesNo(m.Admin), term.Time(m.Joined)})
	}
	term.Table(w, []string{"Member", "Admin", "Since"}, rows)
	if len(g.Requests) == 0 {
		return
	}
	fmt.Fprintln(w)
	rows = nil
	for _, r := range g.Requests {
		rows = append(rows, []string{r.User, r.Note, term.Time(r.Since)})
	}
	term.Table(w, []string{"Asks to join", "Note", "Since"}, rows)
	if g.More {
		fmt.Fprintln(w, "Others ask, too: they are told once some of these are answered.")
	}
}
