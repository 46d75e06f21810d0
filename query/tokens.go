package query

import (
	"hpfriends/graph"
	"hpfriends/query/view"
)

// Tokens are the API tokens of owner that the viewer may see.
func (q *Query) Tokens(viewer graph.Actor, owner graph.UserID) []view.Token {
	v := q.Viewer(viewer)
	all := []view.Token{}
	for t := range v.Graph().TokensOf(owner) {
		if v.CanSeeToken(t) {
			all = append(all, viewToken(v.Graph(), t))
		}
	}
	return all
}

func viewToken(g *graph.Graph, t *graph.Token) view.Token {
	return view.Token{
		ID: t.ID, Owner: handle(g, t.Owner), Comment: t.Comment, Expires: optional(t.Expires), Created: t.Created.Time,
	}
}
