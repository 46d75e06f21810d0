package query

import (
	"time"

	"hpfriends/graph"
	"hpfriends/query/view"
)

// Tokens are the API tokens of owner that the viewer may see.
func (q *Query) Tokens(viewer graph.Actor, owner graph.UserID) []view.Token {
	v := q.Viewer(viewer)
	all := []view.Token{}
	for t := range v.Graph().TokensOf(owner) {
		if v.CanSeeToken(t) {
			all = append(all, view.TokenOf(t, handle(v.Graph(), t.Owner), time.Now()))
		}
	}
	return all
}
