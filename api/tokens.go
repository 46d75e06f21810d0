package api

import (
	"time"

	"hpfriends/graph/scope"
	"hpfriends/query/view"
)

// TokenPath names an API token.
type TokenPath struct {
	ID uint64 `path:"id"`
}

// NewToken is an API token to add.
type NewToken struct {
	Owner   string     `json:"owner,omitempty" doc:"handle; empty: yourself"`
	Comment string     `json:"comment,omitempty" format:"text" maxLength:"1024"`
	Expires *time.Time `json:"expires,omitempty" doc:"none: in 90 days; a member's in 366 days at most"`
	Endless bool       `json:"endless,omitempty" doc:"instead: never; only admins add such a token, also for others"`

	Scopes  []scope.Scope `json:"scopes,omitempty" maxItems:"4" enum:"read,publish,manage,admin" doc:"none: read"`
	Channel string        `json:"channel,omitempty" format:"channels-or-none" doc:"only what is about channels of this pattern"`
	Authkey string        `json:"authkey,omitempty" maxLength:"255" doc:"ident: only what is about this authkey"`
}

// IssuedToken is a fresh token. It is answered only once.
type IssuedToken struct {
	ID      uint64     `json:"id"`
	Token   string     `json:"token"`
	Expires *time.Time `json:"expires,omitempty"`
}

// The operations on API tokens.
var (
	ListTokens  = Listing[Page, view.Token]{"GET /tokens", "List your API tokens"}
	AddToken    = Op[With[NewToken], IssuedToken]{"POST /tokens", "Add an API token; it is shown only once"}
	RemoveToken = Op[TokenPath, None]{"DELETE /tokens/{id}", "Remove an API token"}
)
