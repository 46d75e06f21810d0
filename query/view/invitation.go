package view

import (
	"time"

	"hpfriends/graph"
)

// Invitation lets who has its secret become a user, or a user become a member of a group.
type Invitation struct {
	ID      graph.InvitationID `json:"id"`
	By      string             `json:"by,omitempty" doc:"handle; empty: the operator"`
	Role    graph.Role         `json:"role,omitempty" doc:"of who becomes a user; empty: it is for users"`
	Group   string             `json:"group,omitempty" doc:"which they join"`
	Note    string             `json:"note,omitempty"`
	Uses    int                `json:"uses" doc:"how many more may accept it"`
	Expires time.Time          `json:"expires"`
	Created time.Time          `json:"created"`
}
