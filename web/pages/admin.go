package pages

import (
	"cmp"
	"iter"
	"strconv"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/graph/limit"
	"hpfriends/internal/secret"
	"hpfriends/query/filter"
	"hpfriends/query/view"
)

type adminData struct {
	Users []view.User
	part
	Limits      iter.Seq[limit.Kind]
	Find        adminFilter
	Invitations []view.Invitation
	Invited     string // the path of a fresh invitation, shown once
	Reset       *reset // a fresh password, shown once
	May         bool   // who asks may change it
}

// reset is the new password of somebody who has forgotten theirs.
type reset struct{ User, Password string }

// adminFilter selects among users and among invitations.
type adminFilter struct{ Users, Role, State, Invitations string }

// admin is about the people of this server.
func admin(r *request) (any, error) {
	q := r.URL.Query()
	d := adminData{
		Find: adminFilter{q.Get("q"), q.Get("role"), q.Get("state"), q.Get("invited")}, Limits: limit.All(),
		May: r.mayAdminister(),
	}
	all, err := filter.Users{
		Text: d.Find.Users, Role: graph.Role(d.Find.Role), State: filter.State(d.Find.State),
	}.Of(r.Query.Users(r.actor))
	if err != nil {
		r.problem = r.Refusal(err)
	}
	d.Users, d.part = cut(r, all, func(u view.User) uint64 { return uint64(u.ID) })
	ctx, cancel := call(r.Context())
	defer cancel()
	d.Invitations, err = api.ListInvitations.All(ctx, r.API, api.InvitationsQuery{Text: d.Find.Invitations})
	if err != nil && d.Find.Invitations != "" {
		r.problem, err = r.Refusal(err), nil
	}
	return d, err
}

func (r *request) mayAdminister() bool {
	return r.actor.Operator || r.user != nil && r.user.Role == graph.Admin
}

// editUser changes the user that the form names.
func (r *request) editUser(changes api.UserChanges, notice string) (done, error) {
	handle := r.PostForm.Get("user")
	_, err := ask(r, api.EditUser, api.UserEdit{HandlePath: api.HandlePath{Handle: handle}, Body: changes})
	return done{notice: handle + notice}, err
}

func enableUser(r *request) (done, error) {
	on := true
	return r.editUser(api.UserChanges{Enabled: &on}, " can log in again.")
}

func disableUser(r *request) (done, error) {
	off := false
	return r.editUser(api.UserChanges{Enabled: &off}, " is disabled: nothing flows from them or to them.")
}

func setRole(r *request) (done, error) {
	role := graph.Role(r.PostForm.Get("role"))
	return r.editUser(api.UserChanges{Role: &role}, " is "+string(role)+" now.")
}

func setLimit(r *request) (done, error) {
	name, handle := r.PostForm.Get("limit"), r.PostForm.Get("user")
	most, err := strconv.ParseUint(cmp.Or(r.PostForm.Get("most"), "0"), 10, 32)
	for k := range limit.All() {
		if k.String() != name || err != nil {
			continue
		}
		var set limit.Set
		*set.Field(k) = new(uint32(most))
		in := api.LimitsEdit{HandlePath: api.HandlePath{Handle: handle}, Body: api.LimitChanges(set)}
		_, err = ask(r, api.SetLimits, in)
		return done{notice: "The limit of " + k.About() + " is changed for " + handle + "."}, err
	}
	return done{}, invalid("A limit has a name and a number.", "Leave the number empty for the default.")
}

func removeUser(r *request) (done, error) {
	handle := r.PostForm.Get("user")
	err := r.sure(handle)
	if err == nil {
		_, err = ask(r, api.RemoveUser, api.HandlePath{Handle: handle})
	}
	return done{notice: handle + " is removed, with all that was theirs."}, err
}

func clearSessions(r *request) (done, error) {
	handle := r.PostForm.Get("user")
	_, err := ask(r, api.ClearSessions, api.HandlePath{Handle: handle})
	return done{notice: "All login sessions of " + handle + " are ended."}, err
}

// resetPassword gives a user a random password, which this answer alone shows. Their sessions and tokens end, as with
// any other password.
func resetPassword(r *request) (done, error) {
	handle, password := r.PostForm.Get("user"), api.Secret{Secret: secret.NewPassphrase()}
	if handle == r.Handle() {
		return done{}, invalid("Your own password is changed under Account.", "It takes the present one.")
	}
	if _, err := r.editUser(api.UserChanges{Password: &password}, ""); err != nil {
		return done{}, err
	}
	data, err := admin(r)
	if err != nil {
		return done{}, err
	}
	d := data.(adminData)
	d.Reset = &reset{handle, password.Reveal()}
	return done{show: d}, nil
}

// issueInvitation makes an invitation, and returns the path of its link.
func (r *request) issueInvitation(group string) (path string, err error) {
	invitation := api.NewInvitation{
		Role: graph.Role(r.PostForm.Get("role")), Group: group, Note: r.PostForm.Get("note"),
	}
	if text := r.PostForm.Get("uses"); text != "" {
		if invitation.Uses, err = strconv.Atoi(text); err != nil {
			return "", invalid("Uses is a number.", "")
		}
	}
	if invitation.Expires, err = r.expires(); err != nil {
		return "", err
	}
	made, err := ask(r, api.AddInvitation, api.With[api.NewInvitation]{Body: invitation})
	return made.Path, err
}

func invite(r *request) (done, error) {
	path, err := r.issueInvitation(r.PostForm.Get("group"))
	if err != nil {
		return done{}, err
	}
	data, err := admin(r)
	if err != nil {
		return done{}, err
	}
	d := data.(adminData)
	d.Invited = origin(r.Request) + path
	return done{show: d}, nil
}

func takeBack(r *request) (done, error) {
	id, err := strconv.ParseUint(r.PostForm.Get("id"), 10, 64)
	if err != nil {
		return done{}, invalid("This form names no invitation.", "Reload the page.")
	}
	_, err = ask(r, api.RemoveInvitation, api.InvitationPath{ID: id})
	return done{notice: "The invitation is taken back."}, err
}
