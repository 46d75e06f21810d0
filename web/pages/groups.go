package pages

import (
	"fmt"
	"net/http"
	"net/url"

	"hpfriends/api"
	"hpfriends/query/filter"
	"hpfriends/query/view"
	"hpfriends/web/pages/format"
	"hpfriends/web/prose"
)

type groupRow struct {
	view.Group
	Admins []string
	Mine   bool              // who asks is a member
	Asked  *view.JoinRequest // of who asks
}

type groupsData struct {
	Groups []groupRow
	part
}

func rowOfGroup(g view.Group, handle string) groupRow {
	row := groupRow{Group: g}
	for _, m := range g.Members {
		if m.Admin {
			row.Admins = append(row.Admins, m.User)
		}
		row.Mine = row.Mine || m.User == handle
	}
	for _, r := range g.Requests {
		if r.User == handle {
			row.Asked = &r
		}
	}
	return row
}

// Asking says how many ask to join, as far as their admins are told; empty: nobody.
func (g groupRow) Asking() string {
	switch {
	case !g.Mine || len(g.Requests) == 0:
		return ""
	case g.More:
		return fmt.Sprintf("more than %d ask to join", len(g.Requests))
	}
	return format.Plural(len(g.Requests), "asks", "ask") + " to join"
}

func groups(r *request) (any, error) {
	all := groupsThen(r)
	var d groupsData
	all, err := filter.Groups(all, r.field("q"))
	if err != nil {
		r.problem = r.Refusal(err)
	}
	all, d.part = cut(r, all, func(g view.Group) uint64 { return uint64(g.ID) })
	for _, g := range all {
		if len(g.Members) == 0 && g.Name != "everyone" && r.past == nil {
			if shown, err := r.Query.Group(r.actor, g.Name); err == nil {
				g = shown
			}
		}
		d.Groups = append(d.Groups, rowOfGroup(g, r.Handle()))
	}
	return d, nil
}

func addGroup(r *request) (done, error) {
	name := r.PostForm.Get("name")
	_, err := ask(r, api.AddGroup, api.With[api.NewGroup]{Body: api.NewGroup{Name: name}})
	return done{
		to: "/groups/" + url.PathEscape(name), notice: "The group " + name + " is added, with you as its admin.",
	}, err
}

// memberRow is a member, and their number in the list.
type memberRow struct {
	view.Member
	Number uint64
}

type groupData struct {
	groupRow
	part
	Members []memberRow
	Admin   bool   // who asks may change it
	Outside bool   // who asks may ask to join
	Last    string // the only admin, who has to stay one; empty: there are others
	Shares  []groupShare
	with    []view.Share // the first of those with the group
	Reaches int          // how many there are, as far as who asks is told
	Invited string       // the link of a fresh invitation, shown once
}

func group(r *request) (any, error) {
	g, err := groupNamed(r, r.PathValue("group"))
	if err != nil {
		return nil, err
	}
	d := groupData{groupRow: rowOfGroup(g, r.Handle()), Admin: r.mayAdminister()}
	for i, m := range g.Members {
		d.Admin = d.Admin || m.Admin && m.User == r.Handle()
		d.Members = append(d.Members, memberRow{m, uint64(i + 1)})
	}
	d.Outside = r.user != nil && !d.Mine && g.Name != "everyone" && r.past == nil
	if len(d.Admins) == 1 && g.Name != "everyone" {
		d.Last = d.Admins[0]
	}
	d.Members, d.part = cut(r, d.Members, func(m memberRow) uint64 { return m.Number })
	if r.past != nil {
		return d, nil
	}
	d.with, d.Reaches = r.Query.SharesTo(r.actor, g.ID, rows)
	for _, s := range d.with {
		d.Shares = append(d.Shares, groupShare{Share: s, Own: s.From == r.Handle(), State: stateOfIncoming(s)})
	}
	return d, nil
}

// groupShare is a share with the group.
type groupShare struct {
	view.Share
	Own   bool   // who asks made it
	State string // for who asks, who receives it
}

// Loses is what a member no longer gets once they have left.
func (d groupData) Loses(who string) string { return prose.Loss(who, d.with, d.Reaches > len(d.with)) }

// groupsThen are those that are seen at the moment of the page.
func groupsThen(r *request) []view.Group {
	if r.past == nil {
		return r.Query.Groups(r.actor)
	}
	return r.past.Groups()
}

// groupNamed is a group at the moment of the page.
func groupNamed(r *request, name string) (view.Group, error) {
	if r.past == nil {
		return r.Query.Group(r.actor, name)
	}
	if g, ok := r.past.Group(name); ok {
		return g, nil
	}
	return view.Group{}, api.NewProblem(http.StatusNotFound, api.NotFound, "There was no such group then.",
		"Go back to now.")
}

// inviteToGroup makes a link by which a user becomes a member.
func inviteToGroup(r *request) (done, error) {
	path, err := r.issueInvitation(r.PathValue("group"))
	if err != nil {
		return done{}, err
	}
	data, err := group(r)
	if err != nil {
		return done{}, err
	}
	d := data.(groupData)
	d.Invited = origin(r.Request) + path
	return done{show: d}, nil
}

func addMember(r *request) (done, error) {
	user := r.PostForm.Get("user")
	_, err := ask(r, api.AddMember, api.MemberAdd{
		GroupPath: api.GroupPath{Group: r.PathValue("group")}, Body: api.NewMember{User: user},
	})
	return done{notice: user + " is a member now."}, err
}

func askToJoin(r *request) (done, error) {
	path := api.GroupPath{Group: r.PathValue("group")}
	_, err := ask(r, api.AskToJoin, api.JoinRequestAdd{
		GroupPath: path, Body: api.NewJoinRequest{Note: r.PostForm.Get("note")},
	})
	return done{notice: "You ask to join " + path.Group + ". One of its admins decides."}, err
}

func acceptRequest(r *request) (done, error) {
	m := r.member()
	_, err := ask(r, api.AcceptRequest, m)
	return done{notice: m.User + " is a member now."}, err
}

func declineRequest(r *request) (done, error) {
	m := r.member()
	_, err := ask(r, api.RemoveRequest, m)
	return done{notice: m.User + " does not become a member. They may ask again."}, err
}

func takeBackRequest(r *request) (done, error) {
	m := r.member()
	m.User = r.Handle()
	_, err := ask(r, api.RemoveRequest, m)
	return done{notice: "You no longer ask to join " + m.Group + "."}, err
}

func (r *request) member() api.MemberPath {
	return api.MemberPath{GroupPath: api.GroupPath{Group: r.PathValue("group")}, User: r.PostForm.Get("user")}
}

func removeMember(r *request) (done, error) {
	m := r.member()
	_, err := ask(r, api.RemoveMember, m)
	return done{notice: m.User + " is no member any more."}, err
}

func promoteMember(r *request) (done, error) {
	return setAdmin(r, true, " is an admin of the group now.")
}

func demoteMember(r *request) (done, error) {
	return setAdmin(r, false, " is no admin of the group any more.")
}

func setAdmin(r *request, admin bool, notice string) (done, error) {
	m := r.member()
	_, err := ask(r, api.EditMember, api.MemberEdit{MemberPath: m, Body: api.MemberChanges{Admin: admin}})
	return done{notice: m.User + notice}, err
}

func leaveGroup(r *request) (done, error) {
	name := r.PathValue("group")
	_, err := ask(r, api.LeaveGroup, api.GroupPath{Group: name})
	return done{to: "/groups", notice: "You have left " + name + "."}, err
}

func removeGroup(r *request) (done, error) {
	name := r.PathValue("group")
	err := r.sure(name)
	if err == nil {
		_, err = ask(r, api.RemoveGroup, api.GroupPath{Group: name})
	}
	return done{to: "/groups", notice: "The group " + name + " is removed."}, err
}
