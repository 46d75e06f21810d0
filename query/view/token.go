package view

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
