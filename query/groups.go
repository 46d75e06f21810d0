package query

import (
	"iter"

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
	for r := range requests(v, gr) {
		if shown.More = len(shown.Requests) == maxAsking; shown.More {
			break
		}
		shown.Requests = append(shown.Requests, r)
	}
	return shown
}

// requests yields the requests to join a group that the viewer may see: their own first, and all if they are told of
// them.
func requests(v graph.Viewer, gr *graph.Group) iter.Seq[view.JoinRequest] {
	return func(yield func(view.JoinRequest) bool) {
		show := func(r *graph.JoinRequest) bool {
			return yield(view.JoinRequest{User: handle(v.Graph(), r.User), Note: r.Note, Since: r.Created.Time})
		}
		if r, ok := v.Graph().JoinRequest(gr.ID, v.User); ok && v.CanSeeRequest(r) && !show(r) || !v.CanSeeMembers(gr) {
			return
		}
		for r := range v.Graph().JoinRequests(gr.ID) {
			if r.User != v.User && !show(r) {
				return
			}
		}
	}
}

// maxAsking is how many requests to join are counted for somebody, or of a group: anybody may ask.
const maxAsking = 100

// Asking is who asks to join a group that the viewer administers.
type Asking struct {
	Group string
	view.JoinRequest
}

// Asking are those who wait for the viewer to let them into a group, at most 100.
func (q *Query) Asking(viewer graph.Actor) (all []Asking) {
	v := q.Viewer(viewer)
	if !v.CanSeeAnything() {
		return nil
	}
	for m := range v.Graph().GroupsOf(v.User) {
		if !m.Admin {
			continue
		}
		gr, _ := v.Graph().Group(m.Group)
		for r := range requests(v, gr) {
			if all = append(all, Asking{gr.Name, r}); len(all) == maxAsking {
				return all
			}
		}
	}
	return all
}
