package api

import (
	"time"

	"hpfriends/graph"
	"hpfriends/query/view"
)

// InvitationPath names an invitation.
type InvitationPath struct {
	ID uint64 `path:"id"`
}

// InvitationsQuery selects invitations.
type InvitationsQuery struct {
	Page
	Text string `query:"q" doc:"words that all occur in note, group, role or inviter, in any case"`
}

// NewInvitation is an invitation to make: for somebody new with a role, into a group, or both.
type NewInvitation struct {
	Role    graph.Role `json:"role,omitempty" enum:"member,auditor,admin" doc:"of a new user; none: for users, to a group"`
	Group   string     `json:"group,omitempty" format:"text" maxLength:"64" doc:"which they join"`
	Note    string     `json:"note,omitempty" format:"text" maxLength:"1024"`
	Uses    int        `json:"uses,omitempty" minimum:"0" maximum:"1000" doc:"how many may accept it; 0: 1"`
	Expires *time.Time `json:"expires,omitempty" doc:"none: in 7 days"`
}

// IssuedInvitation is a fresh invitation. Its secret is answered only once.
type IssuedInvitation struct {
	ID     uint64 `json:"id"`
	Secret string `json:"secret"`
	Path   string `json:"path" doc:"of the page that accepts it"`
}

// InvitationSecret is what a link ends with.
type InvitationSecret struct {
	Secret Secret `json:"secret" maxLength:"100"`
}

// InvitePath begins the path of the page that accepts an invitation; its secret is the rest.
const InvitePath = "/invite/"

// The operations on invitations. Somebody new accepts one by the page.
var (
	ListInvitations  = Listing[InvitationsQuery, view.Invitation]{"GET /invitations", "List open invitations"}
	AddInvitation    = Op[With[NewInvitation], IssuedInvitation]{"POST /invitations", "Invite; it is shown only once"}
	AcceptInvitation = Op[With[InvitationSecret], None]{"POST /invitations/accept", "Join the group of an invitation"}
	RemoveInvitation = Op[InvitationPath, None]{"DELETE /invitations/{id}", "Take back an invitation"}
)
