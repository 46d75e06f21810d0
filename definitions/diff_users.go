package definitions

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"hpfriends/api"
	"hpfriends/graph"
)

func (d *differ) users(want []User) {
	have := index(d.have.Users, func(u User) string { return u.Handle })
	for _, u := range want {
		old, ok := have[fold(u.Handle)]
		delete(have, fold(u.Handle))
		if !ok {
			steps := []func(context.Context, *api.Client) error{order(api.AddUser, api.With[api.NewUser]{
				Body: api.NewUser{Handle: u.Handle, Name: u.Name, Role: u.Role}})}
			if u.Disabled {
				steps = append(steps, order(api.EditUser, api.UserEdit{HandlePath: api.HandlePath{Handle: u.Handle},
					Body: api.UserChanges{Enabled: new(false)}}))
			}
			d.add(makeUsers, "add", KindUser, u.Handle, u.stated(), inTurn(steps...))
			continue
		}
		d.user(old, u)
	}
	for _, u := range d.have.Users {
		if _, left := have[fold(u.Handle)]; left && d.drops(KindUser, "") {
			d.add(endUsers, "remove", KindUser, u.Handle, nil, order(api.RemoveUser, api.HandlePath{Handle: u.Handle}))
		}
	}
}

func (d *differ) user(old, u User) {
	if d.mode.Keep {
		switch {
		case old.Disabled && !u.Disabled:
			d.conflict(KindUser, u.Handle, "is disabled: their authkeys would be refused. Enable them, or remove them")
		case u.Disabled && !old.Disabled:
			d.conflict(KindUser, u.Handle, "exists, and is not disabled")
		case u.Role != "" && u.Role != old.Role:
			d.conflict(KindUser, u.Handle, "exists, and differs: role: %s -> %s", old.Role, u.Role)
		}
		return
	}
	var diff differs
	var changes api.UserChanges
	if diff.compare("name", old.Name, u.Name); old.Name != u.Name {
		changes.Name = &u.Name
	}
	role := cmp.Or(u.Role, graph.Member)
	if diff.compare("role", old.Role, role); old.Role != role {
		changes.Role = &role
	}
	if diff.compare("disabled", old.Disabled, u.Disabled); old.Disabled != u.Disabled {
		changes.Enabled = new(!u.Disabled)
	}
	if len(diff) > 0 {
		p := makeUsers
		if u.Disabled {
			p = endAccess
		}
		d.add(p, "change", KindUser, u.Handle, diff, order(api.EditUser, api.UserEdit{
			HandlePath: api.HandlePath{Handle: u.Handle}, Body: changes}))
	}
}

func (d *differ) groups(want []Group) {
	have := index(d.have.Groups, func(g Group) string { return g.Name })
	for _, g := range want {
		old, ok := have[fold(g.Name)]
		delete(have, fold(g.Name))
		switch {
		case !ok:
			first := g.Admins[0]
			d.add(makeGroups, "add", KindGroup, g.Name, g.stated(), inTurn(
				as(first, order(api.AddGroup, api.With[api.NewGroup]{Body: api.NewGroup{Name: g.Name}})),
				inTurn(members(Group{Name: g.Name, Admins: []string{first}}, g, false)...)))
		default:
			d.group(old, g)
		}
	}
	for _, g := range d.have.Groups {
		if _, left := have[fold(g.Name)]; left && d.drops(KindGroup, "") {
			d.add(endGroups, "remove", KindGroup, g.Name, nil, order(api.RemoveGroup, api.GroupPath{Group: g.Name}))
		}
	}
}

func (d *differ) group(old, g Group) {
	var diff differs
	diff.set("admins", folded(old.Admins), folded(g.Admins))
	diff.set("members", folded(old.Members), folded(g.Members))
	if len(diff) == 0 {
		return
	}
	if d.mode.Keep {
		d.conflict(KindGroup, g.Name, "it exists, and differs: %s", strings.Join(diff, "; "))
		return
	}
	d.add(makeGroups, "change", KindGroup, g.Name, diff, inTurn(members(old, g, true)...))
}

// members are the steps from the members of one group to those of another. Whoever comes, comes before others go, so
// that there is an admin all the time.
func members(old, g Group, remove bool) (steps []func(context.Context, *api.Client) error) {
	has := func(list []string, handle string) bool { return slices.Contains(folded(list), fold(handle)) }
	at := func(handle string) api.MemberPath {
		return api.MemberPath{GroupPath: api.GroupPath{Group: g.Name}, User: handle}
	}
	admin := func(handle string, is bool) {
		steps = append(steps, order(api.EditMember, api.MemberEdit{MemberPath: at(handle),
			Body: api.MemberChanges{Admin: is}}))
	}
	for _, handle := range slices.Concat(g.Admins, g.Members) {
		if !has(old.Admins, handle) && !has(old.Members, handle) {
			steps = append(steps, order(api.AddMember, api.MemberAdd{GroupPath: api.GroupPath{Group: g.Name},
				Body: api.NewMember{User: handle}}))
		}
		if has(g.Admins, handle) && !has(old.Admins, handle) {
			admin(handle, true)
		}
	}
	for _, handle := range g.Members {
		if has(old.Admins, handle) {
			admin(handle, false)
		}
	}
	for _, handle := range slices.Concat(old.Admins, old.Members) {
		if remove && !has(g.Admins, handle) && !has(g.Members, handle) {
			steps = append(steps, order(api.RemoveMember, at(handle)))
		}
	}
	return steps
}

func folded(list []string) (out []string) {
	for _, s := range list {
		out = append(out, fold(s))
	}
	return out
}
