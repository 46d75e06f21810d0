package api

import (
	"hpfriends/graph"
	"hpfriends/graph/limit"
	"hpfriends/query/view"
)

// HandlePath names a user.
type HandlePath struct {
	Handle string `path:"handle"`
}

// UsersQuery selects users.
type UsersQuery struct {
	Page
	Text  string `query:"q" doc:"words that all occur in handle or name, in any case"`
	Role  string `query:"role" enum:"member,auditor,admin" doc:"as far as you see roles"`
	State string `query:"state" enum:"enabled,disabled" doc:"as far as you see it"`
}

// NewUser is a user to add.
type NewUser struct {
	Handle   string     `json:"handle" format:"handle"`
	Name     string     `json:"name,omitempty" format:"text" maxLength:"255" doc:"display name"`
	Password Secret     `json:"password,omitzero" format:"password-or-none" maxLength:"1024" doc:"none: only tokens work"`
	Role     graph.Role `json:"role,omitempty" enum:"member,auditor,admin"`
}

// UserEdit changes a user. What is nil stays as it is.
type UserEdit struct {
	HandlePath
	Body UserChanges
}

// UserChanges are the new values.
type UserChanges struct {
	Name     *string     `json:"name,omitempty" format:"text" maxLength:"255"`
	Password *Secret     `json:"password,omitempty" format:"password-or-none" maxLength:"1024" doc:"empty: none any more"`
	Current  Secret      `json:"current_password,omitzero" maxLength:"1024" doc:"with a new password of your own: the present one"`
	Role     *graph.Role `json:"role,omitempty" enum:"member,auditor,admin"`
	Enabled  *bool       `json:"enabled,omitempty"`
}

// LimitsEdit changes what a user may have and change. What is nil stays as it is, 0 is the default again.
type LimitsEdit struct {
	HandlePath
	Body LimitChanges
}

// LimitChanges are the new limits.
type LimitChanges limit.Set

// Created is what was added.
type Created struct {
	ID    uint64 `json:"id"`
	Index uint64 `json:"index" doc:"position of the change in the log"`
}

// The operations on users.
var (
	ListUsers  = Listing[UsersQuery, view.User]{"GET /users", "List users"}
	ShowUser   = Op[HandlePath, view.User]{"GET /users/{handle}", "Show a user"}
	AddUser    = Op[With[NewUser], Created]{"POST /users", "Add a user"}
	EditUser   = Op[UserEdit, None]{"PATCH /users/{handle}", "Change a user"}
	SetLimits  = Op[LimitsEdit, None]{"PATCH /users/{handle}/limits", "Change what a user may have and change"}
	RemoveUser = Op[HandlePath, None]{"DELETE /users/{handle}", "Remove a user with all that is theirs"}
)
