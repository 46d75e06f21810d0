package query

import (
	"time"

	"hpfriends/graph"
)

// Group is a group; the members are there for who may see them.
type Group struct {
	ID      graph.GroupID `json:"id"`
	Name    string        `json:"name"`
	Created time.Time     `json:"created"`
	Members []Member      `json:"members,omitempty"`
}

// Member is one user of a group.
type Member struct {
	User   string    `json:"user" doc:"handle"`
	Admin  bool      `json:"admin"`
	Joined time.Time `json:"joined"`
}

// Groups are all groups that the viewer may see, with their members where the viewer may see those.
func (q *Query) Groups(viewer graph.Actor) []Group {
	return viewGroups(q.graph(), viewer)
}

func viewGroups(g *graph.Graph, viewer graph.Actor) []Group {
	all := []Group{}
	for gr := range g.Groups() {
		if g.CanSeeGroup(viewer, gr) {
			all = append(all, viewGroup(g, viewer, gr, gr.ID != graph.Everyone))
		}
	}
	return all
}

// Group finds a group by name.
func (q *Query) Group(viewer graph.Actor, name string) (Group, error) {
	g := q.graph()
	gr, err := resolveGroup(g, viewer, name)
	if err != nil {
		return Group{}, err
	}
	return viewGroup(g, viewer, gr, true), nil
}

func viewGroup(g *graph.Graph, viewer graph.Actor, gr *graph.Group, members bool) Group {
	v := Group{ID: gr.ID, Name: gr.Name, Created: gr.Created.Time}
	if members && g.CanSeeMembers(viewer, gr) {
		for m := range g.Members(gr.ID) {
			v.Members = append(v.Members, Member{handle(g, m.User), m.Admin, m.Joined.Time})
		}
	}
	return v
}
