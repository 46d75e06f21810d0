package api

import (
	"time"

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
	Expires *time.Time `json:"expires,omitempty"`
}

// IssuedToken is a fresh token. It is answered only once.
type IssuedToken struct {
	ID    uint64 `json:"id"`
	Token string `json:"token"`
}

// The operations on API tokens.
var (
	ListTokens  = Listing[Page, view.Token]{"GET /tokens", "List your API tokens"}
	AddToken    = Op[With[NewToken], IssuedToken]{"POST /tokens", "Add an API token; it is shown only once"}
	RemoveToken = Op[TokenPath, None]{"DELETE /tokens/{id}", "Remove an API token"}
)
