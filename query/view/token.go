package view

import (
	"time"

	"hpfriends/graph"
	"hpfriends/graph/scope"
)

// Token is an API token without the token.
type Token struct {
	ID      graph.TokenID `json:"id"`
	Owner   string        `json:"owner"`
	Comment string        `json:"comment,omitempty"`
	Expires *time.Time    `json:"expires,omitempty"`
	Created time.Time     `json:"created"`

	EndsSoon bool `json:"ends_soon,omitempty" doc:"within 14 days"`

	Scopes  []scope.Scope `json:"scopes"`
	Channel string        `json:"channel,omitempty" doc:"only what is about channels of this pattern"`
	Authkey string        `json:"authkey,omitempty" doc:"only what is about this authkey"`
}

// Grant is what the token is good for.
func (t Token) Grant() scope.Grant {
	return scope.Grant{Scopes: t.Scopes, Channel: t.Channel, Authkey: t.Authkey}
}

// TokenOf is what is shown of t, at a time, to who may see it.
func TokenOf(t *graph.Token, owner string, now time.Time) Token {
	v := Token{
		ID: t.ID, Owner: owner, Comment: t.Comment, Created: t.Created.Time,
		Scopes: t.Grant.Scopes, Channel: t.Grant.Channel, Authkey: t.Grant.Authkey,
	}
	if !t.Expires.IsZero() {
		v.Expires, v.EndsSoon = &t.Expires, t.Expires.Sub(now) < scope.WarnBefore
	}
	return v
}
