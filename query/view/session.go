package view

import (
	"time"

	"hpfriends/graph"
)

// Session is a login session.
type Session struct {
	ID      graph.TokenID `json:"id"`
	User    string        `json:"user"`
	From    string        `json:"from" doc:"the address that logged in"`
	Agent   string        `json:"agent,omitempty" doc:"the user agent, as it called itself"`
	Current bool          `json:"current,omitempty" doc:"it is the one that asks"`
	Created time.Time     `json:"created"`
	Expires time.Time     `json:"expires"`
}
