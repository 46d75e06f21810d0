package query

import (
	"time"

	"hpfriends/graph"
)

// Token is an API token without the token.
type Token struct {
	ID      graph.TokenID `json:"id"`
	Owner   string        `json:"owner"`
	Comment string        `json:"comment,omitempty"`
	Expires *time.Time    `json:"expires,omitempty"`
	Created time.Time     `json:"created"`
}

// Tokens are the API tokens of owner that the viewer may see.
func (q *Query) Tokens(viewer graph.Actor, owner graph.UserID) []Token {
	v := q.Viewer(viewer)
	all := []Token{}
	for t := range v.Graph().TokensOf(owner) {
		if v.CanSeeToken(t) {
			all = append(all, viewToken(v.Graph(), t))
		}
	}
	return all
}

func viewToken(g *graph.Graph, t *graph.Token) Token {
	return Token{t.ID, handle(g, t.Owner), t.Comment, optional(t.Expires), t.Created.Time}
}
