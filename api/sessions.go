package api

import "hpfriends/query/view"

// SessionsQuery selects login sessions.
type SessionsQuery struct {
	Page
	User string `query:"user" doc:"handle; empty: all that you may see"`
}

// The operations on login sessions. Pages add them: a password is all that it takes.
var (
	ListSessions  = Listing[SessionsQuery, view.Session]{"GET /sessions", "List login sessions"}
	RemoveSession = Op[TokenPath, None]{"DELETE /sessions/{id}", "End a login session"}
	ClearSessions = Op[HandlePath, None]{
		"DELETE /users/{handle}/sessions", "End all login sessions of a user but the one that asks",
	}
)
