package query

import (
	"time"

	"hpfriends/graph"
)

// Group is a group; the members are there for those who may see them.
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
	return viewGroups(q.Viewer(viewer))
}

func viewGroups(v graph.Viewer) []Group {
	all := []Group{}
	for gr := range v.Graph().Groups() {
		if v.CanSeeGroup(gr) {
			all = append(all, viewGroup(v, gr, gr.ID != graph.Everyone))
		}
	}
	return all
}

// Group finds a group by name.
func (q *Query) Group(viewer graph.Actor, name string) (Group, error) {
	v := q.Viewer(viewer)
	gr, err := ResolveGroup(v, name)
	if err != nil {
		return Group{}, err
	}
	return viewGroup(v, gr, true), nil
}

func viewGroup(v graph.Viewer, gr *graph.Group, members bool) Group {
	shown, g := Group{ID: gr.ID, Name: gr.Name, Created: gr.Created.Time}, v.Graph()
	if members && v.CanSeeMembers(gr) {
		for m := range g.Members(gr.ID) {
			shown.Members = append(shown.Members, Member{handle(g, m.User), m.Admin, m.Joined.Time})
		}
	}
	return shown
}
