package who

import (
	"context"
	"net/http"

	"hpfriends/graph"
	"hpfriends/internal/secret"
)

// Invitation finds the invitation that a link is to, if it can be accepted now.
func (a *Authenticator) Invitation(link secret.Secret) (*graph.Invitation, error) {
	return a.Graph().MayAccept(secret.HashToken(link), a.Changer.Now())
}

// Join makes a user of who has the link of an invitation for somebody new. The password then logs them in.
func (a *Authenticator) Join(r *http.Request, link secret.Secret, n Account) error {
	if _, err := a.Invitation(link); err != nil {
		return err
	}
	actor, _ := a.anybody(r)
	accept := graph.AcceptInvitation{Hash: secret.HashToken(link), Handle: n.Handle, Name: n.Name, Password: unhashed}
	system := graph.Actor{Operator: true, From: actor.From} // they are nobody yet: the graph goes by the secret
	c := graph.Command{Time: a.Changer.Now(), By: system, Op: accept}
	if err := n.faults(a.Graph(), c); err != nil {
		return err
	}
	if err := a.MaySet(c, n.Handle); err != nil {
		return err
	}
	var err error
	if accept.Password, err = n.hash(r.Context(), a.Hasher); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), changeTimeout)
	defer cancel()
	_, err = a.Changer.Change(ctx, graph.Command{By: system, Op: accept})
	return err
}
