package v1

import (
	"cmp"
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/secret"
	"hpfriends/query"
	"hpfriends/query/filter"
	"hpfriends/query/view"
)

// invitationLife is how long an invitation is open if nobody says how long.
const invitationLife = 7 * 24 * time.Hour

func registerInvitations(s *Service, h huma.API) {
	list(s, h, api.ListInvitations, func(ctx context.Context, in *api.InvitationsQuery) (
		[]view.Invitation, string, error,
	) {
		all, err := filter.Invitations(query.Invitations(s.viewer(ctx)), in.Text)
		if err != nil {
			return nil, "", err
		}
		return page(in.Page, all, func(i view.Invitation) uint64 { return uint64(i.ID) })
	})
	op(s, h, api.AddInvitation, func(ctx context.Context, in *api.With[api.NewInvitation]) (api.IssuedInvitation, error) {
		return invite(ctx, s, in.Body)
	})
	op(s, h, api.AcceptInvitation, func(ctx context.Context, in *api.With[api.InvitationSecret]) (api.None, error) {
		return s.changed(ctx, graph.AcceptInvitation{Hash: secret.HashToken(in.Body.Secret.Secret)})
	})
	op(s, h, api.RemoveInvitation, func(ctx context.Context, in *api.InvitationPath) (api.None, error) {
		i, err := query.ResolveInvitation(s.viewer(ctx), graph.InvitationID(in.ID))
		if err != nil {
			return api.None{}, err
		}
		return s.changed(ctx, graph.RemoveInvitation{Invitation: i.ID})
	})
}

// invite makes an invitation and answers with its secret.
func invite(ctx context.Context, s *Service, b api.NewInvitation) (api.IssuedInvitation, error) {
	link := secret.NewSession()
	add := graph.AddInvitation{
		Hash: secret.HashToken(link), Role: b.Role, Note: b.Note, Uses: cmp.Or(b.Uses, 1),
		Expires: s.Changer.Now().Add(invitationLife),
	}
	if b.Expires != nil {
		add.Expires = *b.Expires
	}
	if b.Group != "" {
		gr, err := query.ResolveGroup(s.viewer(ctx), b.Group)
		if err != nil {
			return api.IssuedInvitation{}, err
		}
		add.Group = gr.ID
	}
	out, err := s.change(ctx, add)
	if err != nil {
		return api.IssuedInvitation{}, err
	}
	return api.IssuedInvitation{ID: out.ID, Secret: link.Reveal(), Path: api.InvitePath + link.Reveal()}, nil
}
