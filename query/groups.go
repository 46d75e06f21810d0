package query

import (
	"hpfriends/graph"
	"hpfriends/query/view"
)

// Groups are all groups that the viewer may see, with their members where the viewer may see those.
func (q *Query) Groups(viewer graph.Actor) []view.Group {
	return viewGroups(q.Viewer(viewer))
}

func viewGroups(v graph.Viewer) []view.Group {
	all := []view.Group{}
	for gr := range v.Graph().Groups() {
		if v.CanSeeGroup(gr) {
			all = append(all, viewGroup(v, gr, gr.ID != graph.Everyone))
		}
	}
	return all
}

// Group finds a group by name.
func (q *Query) Group(viewer graph.Actor, name string) (view.Group, error) {
	v := q.Viewer(viewer)
	gr, err := ResolveGroup(v, name)
	if err != nil {
		return view.Group{}, err
	}
	return viewGroup(v, gr, true), nil
}

func viewGroup(v graph.Viewer, gr *graph.Group, members bool) view.Group {
	shown, g := view.Group{ID: gr.ID, Name: gr.Name, Created: gr.Created.Time}, v.Graph()
	if members && v.CanSeeMembers(gr) {
		for m := range g.Members(gr.ID) {
			shown.Members = append(shown.Members, view.Member{User: handle(g, m.User), Admin: m.Admin, Joined: m.Joined.Time})
		}
	}
	return shown
}
