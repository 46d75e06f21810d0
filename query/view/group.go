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

	Requests []JoinRequest `json:"requests,omitempty" doc:"who asks to join, at most 100: told to its members, and to who asks"`
	More     bool          `json:"more_requests,omitempty" doc:"others ask, too: they are told once some of these are answered"`
}

// JoinRequest is somebody who asks to become a member.
type JoinRequest struct {
	User  string    `json:"user" doc:"handle"`
	Note  string    `json:"note,omitempty" doc:"to the group"`
	Since time.Time `json:"since"`
}

// Member is one user of a group.
type Member struct {
	User   string    `json:"user" doc:"handle"`
	Admin  bool      `json:"admin"`
	Joined time.Time `json:"joined"`
}
