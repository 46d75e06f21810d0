package query

import (
	"time"

	"hpfriends/graph"
)

// User is an account as others see it.
type User struct {
	ID      graph.UserID `json:"id"`
	Handle  string       `json:"handle"`
	Name    string       `json:"name,omitempty" doc:"display name"`
	Role    graph.Role   `json:"role,omitempty"`
	Enabled *bool        `json:"enabled,omitempty"`
	Created *time.Time   `json:"created,omitempty"`
}

// Users are all users that the viewer may see.
func (q *Query) Users(viewer graph.Actor) []User {
	g := q.graph()
	return viewUsers(g, g, viewer)
}

// viewUsers shows the users of g by the rights of a graph that holds the same users.
func viewUsers(g, rights *graph.Graph, viewer graph.Actor) []User {
	all := []User{}
	for u := range g.Users() {
		if rights.CanSeeUser(viewer, u) {
			all = append(all, viewUser(rights, viewer, u))
		}
	}
	return all
}

// User finds a user by handle.
func (q *Query) User(viewer graph.Actor, handle string) (User, error) {
	g := q.graph()
	u, err := resolveUser(g, viewer, handle)
	if err != nil {
		return User{}, err
	}
	return viewUser(g, viewer, u), nil
}

// viewUser shows handle and name; the rest is for the user and for who sees everything.
func viewUser(g *graph.Graph, viewer graph.Actor, u *graph.User) User {
	v := User{ID: u.ID, Handle: u.Handle, Name: u.Name}
	if u.ID == viewer.User || g.CanSeeAll(viewer) {
		enabled := u.Enabled
		v.Role, v.Enabled, v.Created = u.Role, &enabled, optional(u.Created.Time)
	}
	return v
}
