package query

import (
	"hpfriends/graph"
	"hpfriends/query/view"
)

// Users are all users that the viewer may see.
func (q *Query) Users(viewer graph.Actor) []view.User {
	return viewUsers(q.Viewer(viewer))
}

func viewUsers(v graph.Viewer) []view.User {
	all := []view.User{}
	for u := range v.Graph().Users() {
		if v.CanSeeUser(u) {
			all = append(all, viewUser(v, u))
		}
	}
	return all
}

// User finds a user by handle.
func (q *Query) User(viewer graph.Actor, handle string) (view.User, error) {
	v := q.Viewer(viewer)
	u, err := ResolveUser(v, handle)
	if err != nil {
		return view.User{}, err
	}
	shown := viewUser(v, u)
	if u.ID == v.User || v.CanSeeAll() {
		shown.Limits = limitsOf(v.Graph(), u)
	}
	return shown, nil
}

// viewUser shows handle and name; the rest is for the user and for those who see everything.
func viewUser(v graph.Viewer, u *graph.User) view.User {
	shown := view.User{ID: u.ID, Handle: u.Handle, Name: u.Name}
	if u.ID == v.User || v.CanSeeAll() {
		enabled := u.Enabled
		shown.Role, shown.Enabled, shown.Created = u.Role, &enabled, optional(u.Created.Time)
		shown.Limits = ownLimits(u)
	}
	return shown
}
