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
}
