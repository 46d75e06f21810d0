package view

import (
	"time"

	"hpfriends/graph"
)

// Group is a group; the members are there for those who may see them.
type Group struct {
	ID      graph.GroupID `json:"id"`
	Name    string        `json:"name"`
	Created time.Time     `json:"created"`
	Members []Member      `json:"members,omitempty"`
}

// Member is one user of a group.
type Member struct {
	User   string    `json:"user" doc:"handle"`
	Admin  bool      `json:"admin"`
	Joined time.Time `json:"joined"`
}
