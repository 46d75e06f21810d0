package query

import (
	"cmp"
	"fmt"

	"hpfriends/graph"
	"hpfriends/query/view"
)

// Invitations are those that the viewer may see.
func Invitations(v graph.Viewer) []view.Invitation {
	all := []view.Invitation{}
	for i := range v.Graph().Invitations() {
		if v.CanSeeInvitation(i) {
			all = append(all, ViewInvitation(v.Graph(), i))
		}
	}
	return all
}

// ViewInvitation shows an invitation, to who may see it or has its secret.
func ViewInvitation(g *graph.Graph, i *graph.Invitation) view.Invitation {
	shown := view.Invitation{
		ID: i.ID, Role: i.Role, Note: i.Note, Uses: i.Uses, Expires: i.Expires, Created: i.Created.Time,
	}
	if i.By != 0 {
		shown.By = handle(g, i.By)
	}
	if gr, ok := g.Group(i.Group); ok {
		shown.Group = gr.Name
	}
	return shown
}

// ResolveInvitation finds an invitation by number.
func ResolveInvitation(v graph.Viewer, id graph.InvitationID) (*graph.Invitation, error) {
	if i, ok := v.Graph().Invitation(id); ok && v.CanSeeInvitation(i) {
		return i, nil
	}
	return nil, missing("invitation", fmt.Sprintf("#%d", id))
}

// invitationName is what the audit calls an invitation.
func invitationName(g *graph.Graph, i *graph.Invitation) string {
	shown := ViewInvitation(g, i)
	return cmp.Or(shown.Note, shown.Group, string(shown.Role))
}
