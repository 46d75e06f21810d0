package router

import (
	"hpfriends/graph"
	"hpfriends/graph/version"
	"hpfriends/history"
)

// visibility is what one user may see by one version of the graph. It belongs to one reader.
type visibility struct {
	*history.Rights
	user    graph.UserID
	version *version.Version
}

func newVisibility(user graph.UserID, v *version.Version) visibility {
	return visibility{history.NewRights(v.Graph, user), user, v}
}

// advance makes another version decide, and reports whether it is one.
func (v *visibility) advance(to *version.Version) bool {
	if to == v.version {
		return false
	}
	*v = newVisibility(v.user, to)
	return true
}
