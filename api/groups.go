package api

import "hpfriends/query/view"

// GroupPath names a group.
type GroupPath struct {
	Group string `path:"group"`
}

// GroupsQuery selects groups.
type GroupsQuery struct {
	Page
	Text string `query:"q" doc:"words that all occur in the name, in any case"`
}

// MemberPath names a member of a group.
type MemberPath struct {
	GroupPath
	User string `path:"user"`
}

// NewGroup is a group to add.
type NewGroup struct {
	Name string `json:"name" format:"group"`
}

// MemberAdd adds a user to a group.
type MemberAdd struct {
	GroupPath
	Body NewMember
}

// NewMember is a member to add.
type NewMember struct {
	User string `json:"user" format:"handle" doc:"handle"`
}

// JoinRequestAdd asks to join a group.
type JoinRequestAdd struct {
	GroupPath
	Body NewJoinRequest
}

// NewJoinRequest is what one says who asks to join.
type NewJoinRequest struct {
	Note string `json:"note,omitempty" format:"text" maxLength:"1024" doc:"who you are: the members see it"`
}

// MemberEdit changes what a member of a group may do.
type MemberEdit struct {
	MemberPath
	Body MemberChanges
}

// MemberChanges are the new values.
type MemberChanges struct {
	Admin bool `json:"admin"`
}

// The operations on groups.
var (
	ListGroups  = Listing[GroupsQuery, view.Group]{"GET /groups", "List groups"}
	ShowGroup   = Op[GroupPath, view.Group]{"GET /groups/{group}", "Show a group"}
	AddGroup    = Op[With[NewGroup], Created]{"POST /groups", "Add a group, with yourself as its admin"}
	RemoveGroup = Op[GroupPath, None]{"DELETE /groups/{group}", "Remove a group"}
	LeaveGroup  = Op[GroupPath, None]{"POST /groups/{group}/leave", "Leave a group"}
	AddMember   = Op[MemberAdd, None]{"POST /groups/{group}/members", "Add a member"}
	EditMember  = Op[MemberEdit, None]{
		"PATCH /groups/{group}/members/{user}", "Make a member admin of the group, or no longer",
	}
	AskToJoin     = Op[JoinRequestAdd, None]{"POST /groups/{group}/requests", "Ask to join a group"}
	AcceptRequest = Op[MemberPath, None]{
		"POST /groups/{group}/requests/{user}/accept", "Make a member of somebody who asks to join",
	}
	RemoveRequest = Op[MemberPath, None]{
		"DELETE /groups/{group}/requests/{user}", "Decline a request to join, or take back your own",
	}
	RemoveMember = Op[MemberPath, None]{"DELETE /groups/{group}/members/{user}", "Remove a member, or leave"}
)
