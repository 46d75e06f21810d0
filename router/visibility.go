package router

import (
	"hpfriends/graph"
	"hpfriends/history"
)

// visibility is what one user may see by one version of the graph. It belongs to one reader.
type visibility struct {
	*history.Rights
	user    graph.UserID
	version *graph.Version
}

func newVisibility(user graph.UserID, v *graph.Version) visibility {
	return visibility{history.NewRights(v.Graph, user), user, v}
}

// advance makes another version decide, and reports whether it is one.
func (v *visibility) advance(to *graph.Version) bool {
	if to == v.version {
		return false
	}
	*v = newVisibility(v.user, to)
	return true
}
