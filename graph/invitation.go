package graph

import (
	"cmp"
	"crypto/sha256"
	"iter"
	"slices"
	"time"

	"hpfriends/graph/due"
	"hpfriends/graph/limit"
	"hpfriends/graph/tree"
)

const (
	// MaxInvitationUses is how many may accept one invitation at most.
	MaxInvitationUses = 1000
)

type invitations struct {
	invited   tree.Map[uint64, *Invitation]
	byHash    tree.Map[string, *Invitation]
	invitesOf tree.Index // (user, invitation)
	invitesTo tree.Index // (group, invitation)
}

func newInvitations() invitations {
	return invitations{
		invited: tree.New[uint64, *Invitation](cmp.Compare), byHash: tree.New[string, *Invitation](cmp.Compare),
		invitesOf: tree.NewIndex(), invitesTo: tree.NewIndex(),
	}
}

// Invitation returns the invitation with this ID.
func (t *invitations) Invitation(id InvitationID) (*Invitation, bool) {
	return t.invited.Find(uint64(id))
}

// InvitationByHash returns the invitation whose secret has this SHA-256. It may have expired.
func (t *invitations) InvitationByHash(hash []byte) (*Invitation, bool) {
	return t.byHash.Find(string(hash))
}

// Invitations yields all invitations in the order of their creation.
func (t *invitations) Invitations() iter.Seq[*Invitation] { return values(t.invited) }

// InvitationsOf yields the invitations that a user has made, in the order of their creation.
func (t *invitations) InvitationsOf(user UserID) iter.Seq[*Invitation] {
	return lookUp(t.invitesOf.Of(uint64(user)), t.invited)
}

func (d *draft) putInvitation(v *Invitation) {
	d.invited.Put(d.edit, uint64(v.ID), v)
	d.byHash.Put(d.edit, string(v.Hash), v)
	if v.By != 0 {
		d.invitesOf.Add(d.edit, uint64(v.By), uint64(v.ID))
	}
	if v.Group != 0 {
		d.invitesTo.Add(d.edit, uint64(v.Group), uint64(v.ID))
	}
	d.due(v.Expires, due.Invitation, uint64(v.ID))
}

func (d *draft) dropInvitation(v *Invitation) {
	d.invited.Remove(d.edit, uint64(v.ID))
	d.byHash.Remove(d.edit, string(v.Hash))
	d.invitesOf.Drop(d.edit, uint64(v.By), uint64(v.ID))
	d.invitesTo.Drop(d.edit, uint64(v.Group), uint64(v.ID))
	d.notDue(v.Expires, due.Invitation, uint64(v.ID))
}

// dropInvitations removes those of an index that belong to a user or a group.
func (d *draft) dropInvitations(x *tree.Index, of uint64) {
	for _, v := range slices.Collect(lookUp(x.Of(of), d.invited)) {
		d.dropInvitation(v)
	}
}

func (op AddInvitation) authorize(d *draft) error { return d.mayInvite(op.Role, op.Group) }

// mayInvite decides whether the actor may invite: new users if there is a role, and into a group if there is one.
func (d *draft) mayInvite(role Role, group GroupID) error {
	if role == "" && group == 0 {
		return refuse(Invalid, "name a role for new users, or a group", "the invitation is to nothing")
	}
	if role != "" {
		if err := d.requireAdmin("invite new users"); err != nil {
			return err
		}
	}
	if group != 0 {
		return d.requireGroupAdmin(group)
	}
	return nil
}

func (op AddInvitation) apply(d *draft) (uint64, error) {
	v := &Invitation{
		ID: InvitationID(d.at.Index), By: d.by.User, Hash: slices.Clone(op.Hash), Role: op.Role, Group: op.Group,
		Note: op.Note, Uses: op.Uses, Expires: canonical(op.Expires), Created: d.at,
	}
	if len(v.Hash) != sha256.Size {
		return 0, refuse(Invalid, "", "the invitation's hash has %d bytes, want %d", len(v.Hash), sha256.Size)
	}
	if v.Uses < 1 || v.Uses > MaxInvitationUses {
		return 0, refuse(Invalid, "", "the invitation is for %d, want 1 to %d", v.Uses, MaxInvitationUses)
	}
	if v.Expires.IsZero() {
		return 0, refuse(Invalid, "say when", "an invitation must expire")
	}
	err := firstError(checkText("note", v.Note, maxText), checkProfile("", "", cmp.Or(v.Role, Member)),
		d.checkExpires(v.Expires))
	if err != nil {
		return 0, err
	}
	if d.byHash.Has(string(v.Hash)) {
		return 0, refuse(Conflict, "make a new one", "there is such an invitation already")
	}
	most := limit.Invitations.Default() // unless an admin has allowed more
	if u, ok := d.User(v.By); ok {
		most = max(most, u.Limits.Of(limit.Invitations))
	}
	if open := len(slices.Collect(d.InvitationsOf(v.By))); open >= most {
		return 0, refuse(Conflict, "remove some", "%s has %d invitations open", d.handle(v.By), open)
	}
	d.putInvitation(v)
	return uint64(v.ID), nil
}

func (op RemoveInvitation) authorize(d *draft) error {
	v, ok := d.Invitation(op.Invitation)
	if !ok {
		return noSuch("invitation", uint64(op.Invitation))
	}
	if v.Role == "" && d.groups.admins.Holds(uint64(v.Group), uint64(d.by.User)) {
		return nil
	}
	return d.requireOwner(v.By, "an invitation by "+d.handle(v.By))
}

func (op RemoveInvitation) apply(d *draft) (uint64, error) {
	v, _ := d.Invitation(op.Invitation)
	d.dropInvitation(v)
	return uint64(v.ID), nil
}

// MayAccept decides whether an invitation holds: it is there, its time has not come, and who made it may still invite.
// Errors are ErrNotFound, in the same words for what was never there, and ErrDenied.
func (g *Graph) MayAccept(hash []byte, now time.Time) (*Invitation, error) {
	v, ok := g.InvitationByHash(hash)
	if !ok {
		return nil, refuse(NotFound, "ask for another one", "the invitation was used, or there is none")
	}
	if !v.Expires.After(now) {
		return nil, refuse(Denied, "ask for another one", "the invitation has expired")
	}
	inviter := draft{Graph: g, by: Actor{User: v.By, Operator: v.By == 0}}
	if inviter.admit() != nil || inviter.mayInvite(v.Role, v.Group) != nil {
		return nil, refuse(Denied, "ask for another one", "who has invited you may not do so any more")
	}
	return v, nil
}

func (op AcceptInvitation) authorize(d *draft) error {
	v, err := d.MayAccept(op.Hash, d.at.Time)
	if err != nil {
		return err
	}
	if v.Role == "" {
		return d.requireUser("the invitation is for a user")
	}
	if d.by.User != 0 {
		return refuse(Invalid, "log out", "the invitation is for somebody new")
	}
	return nil
}

func (op AcceptInvitation) apply(d *draft) (uint64, error) {
	old, _ := d.InvitationByHash(op.Hash)
	user := d.by.User
	if old.Role != "" {
		id, err := AddUser{Handle: op.Handle, Name: op.Name, Password: op.Password, Role: old.Role}.apply(d)
		if err != nil {
			return 0, err
		}
		user = UserID(id)
	}
	if old.Group != 0 {
		if _, err := (AddMember{Group: old.Group, User: user}).apply(d); err != nil {
			return 0, err
		}
	}
	v := *old
	v.Uses--
	d.dropInvitation(old)
	if v.Uses > 0 {
		d.putInvitation(&v)
	}
	return uint64(user), nil
}
