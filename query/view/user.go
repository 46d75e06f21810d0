package view

import (
	"time"

	"hpfriends/graph"
)

// User is an account as others see it.
type User struct {
	ID      graph.UserID `json:"id"`
	Handle  string       `json:"handle"`
	Name    string       `json:"name,omitempty" doc:"display name"`
	Role    graph.Role   `json:"role,omitempty"`
	Enabled *bool        `json:"enabled,omitempty"`
	Created *time.Time   `json:"created,omitempty"`
	Limits  []Limit      `json:"limits,omitempty" doc:"in lists only those that an admin has set, without what is used"`
}

// Limit is how much of a kind a user may have or change.
type Limit struct {
	Name  string `json:"name"`
	About string `json:"about"`
	Most  int    `json:"most"`
	Used  *int   `json:"used,omitempty" doc:"not for what each node counts for itself"`
	Own   bool   `json:"own,omitempty" doc:"an admin has set it for this user"`
}
