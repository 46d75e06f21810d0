package graph

import (
	"bytes"
	"cmp"
	"iter"
	"slices"

	"hpfriends/graph/tree"
)

// Kind is a kind of object in the graph.
type Kind string

// The kinds of objects, in the order in which Diff yields them.
const (
	KindUser       Kind = "user"
	KindGroup      Kind = "group"
	KindMembership Kind = "membership"
	KindAuthkey    Kind = "authkey"
	KindShare      Kind = "share"
	KindAcceptance Kind = "acceptance"
	KindToken      Kind = "token"
	KindSession    Kind = "session"
	KindInvitation Kind = "invitation"
	KindRequest    Kind = "request"
)

// Kinds are all kinds.
var Kinds = []Kind{
	KindUser, KindGroup, KindMembership, KindAuthkey, KindShare, KindAcceptance, KindToken, KindSession,
	KindInvitation, KindRequest,
}

// Object is a *User, *Group, *Membership, *Authkey, *Share, *Acceptance, *Token, *Invitation or *JoinRequest. It
// is shared and read-only.
type Object interface{ object() }

// Acceptance is what a receiver has decided on a share.
type Acceptance struct {
	Share   ShareID
	User    UserID
	Enabled bool
}

func (*User) object()        {}
func (*Group) object()       {}
func (*Membership) object()  {}
func (*Authkey) object()     {}
func (*Share) object()       {}
func (*Acceptance) object()  {}
func (*Token) object()       {}
func (*Invitation) object()  {}
func (*JoinRequest) object() {}

// Ref names an object.
type Ref struct {
	Kind Kind
	ID   uint64 // of a membership or a request the group's, of an acceptance the share's
	User UserID // of a membership, a request or an acceptance
}

// Difference is one object that two graphs do not hold alike.
type Difference struct {
	Ref
	Before Object // nil: it was not there
	After  Object // nil: it is not there any more
}

// Diff yields what after holds otherwise than before, by kind and ID. Memberships of everyone are not among it: they
// come and go with the users. Graphs of one history share what did not change: comparing them costs what differs.
// Others are compared object by object. With kinds it looks at these only.
func Diff(before, after *Graph, kinds ...Kind) iter.Seq[Difference] {
	if len(kinds) == 0 {
		kinds = Kinds
	}
	return func(yield func(Difference) bool) {
		for _, k := range kinds {
			if !diffKind(k, before, after, yield) {
				return
			}
		}
	}
}

func diffKind(k Kind, before, after *Graph, yield func(Difference) bool) bool {
	switch k {
	case KindUser:
		return diffIDs(k, before.users.byID, after.users.byID, sameUser, yield)
	case KindGroup:
		return diffIDs(k, before.groups.byID, after.groups.byID, sameGroup, yield)
	case KindMembership:
		return diffPairs(k, before.members, after.members, membershipOf, yield)
	case KindAuthkey:
		return diffIDs(k, before.authkeys, after.authkeys, sameAuthkey, yield)
	case KindShare:
		return diffIDs(k, before.shares, after.shares, sameShare, yield)
	case KindAcceptance:
		return diffPairs(k, before.decided, after.decided, acceptanceOf, yield)
	case KindRequest:
		return diffPairs(k, before.asked, after.asked, requestOf, yield)
	case KindInvitation:
		return diffIDs(k, before.invited, after.invited, sameInvitation, yield)
	default:
		return diffTokens(k, before, after, yield)
	}
}

// diffIDs compares objects that are held by ID. V is a pointer type.
func diffIDs[V Object](kind Kind, a, b tree.Map[uint64, V], same func(x, y V) bool, yield func(Difference) bool) bool {
	return tree.Diff(a, b, same, func(id uint64, before, after *V) bool {
		d := Difference{Ref: Ref{Kind: kind, ID: id}}
		if before != nil {
			d.Before = *before
		}
		if after != nil {
			d.After = *after
		}
		return yield(d)
	})
}

// diffPairs compares objects that are held by a number and a user; object makes one of what is held.
func diffPairs[V comparable](
	kind Kind, a, b tree.Map[tree.Pair, V], object func(tree.Pair, V) Object, yield func(Difference) bool,
) bool {
	same := func(x, y V) bool { return x == y }
	return tree.Diff(a, b, same, func(k tree.Pair, before, after *V) bool {
		d := Difference{Ref: Ref{kind, k.A, UserID(k.B)}}
		if before != nil {
			d.Before = object(k, *before)
		}
		if after != nil {
			d.After = object(k, *after)
		}
		return yield(d)
	})
}

func membershipOf(k tree.Pair, m member) Object {
	return &Membership{GroupID(k.A), UserID(k.B), m.admin, m.joined}
}

func acceptanceOf(k tree.Pair, enabled bool) Object {
	return &Acceptance{ShareID(k.A), UserID(k.B), enabled}
}

func requestOf(_ tree.Pair, r JoinRequest) Object { return &r }

// diffTokens yields the API tokens, or the login sessions, which are held together.
func diffTokens(kind Kind, a, b *Graph, yield func(Difference) bool) bool {
	return diffIDs(kind, a.tokens, b.tokens, sameToken, func(d Difference) bool {
		t := cmp.Or(d.Before, d.After).(*Token)
		return t.Session != (kind == KindSession) || yield(d)
	})
}

func sameUser(x, y *User) bool   { return x == y || *x == *y }
func sameGroup(x, y *Group) bool { return x == y || *x == *y }
func sameShare(x, y *Share) bool { return x == y || *x == *y }

func sameInvitation(x, y *Invitation) bool {
	return x == y || x.ID == y.ID && x.By == y.By && bytes.Equal(x.Hash, y.Hash) && x.Role == y.Role &&
		x.Group == y.Group && x.Note == y.Note && x.Uses == y.Uses && x.Expires == y.Expires && x.Created == y.Created
}

func sameAuthkey(x, y *Authkey) bool {
	return x == y || x.ID == y.ID && x.Owner == y.Owner && x.Ident == y.Ident && bytes.Equal(x.Secret, y.Secret) &&
		x.Comment == y.Comment && slices.Equal(x.Pub, y.Pub) && slices.Equal(x.Sub, y.Sub) && x.Enabled == y.Enabled &&
		x.Expires == y.Expires && slices.Equal(x.Networks, y.Networks) && x.MaxMessage == y.MaxMessage &&
		x.Created == y.Created && bytes.Equal(x.Old.Secret, y.Old.Secret) && x.Old.Until == y.Old.Until
}

func sameToken(x, y *Token) bool {
	return x == y || x.ID == y.ID && x.Owner == y.Owner && bytes.Equal(x.Hash, y.Hash) && x.Comment == y.Comment &&
		x.Expires == y.Expires && x.Created == y.Created && x.Session == y.Session && x.From == y.From &&
		x.Agent == y.Agent && x.Grant.Equal(y.Grant)
}

// Concerns reports whether the difference between these graphs is about something of the user's: their account,
// authkeys, tokens and invitations; shares that they make or receive; acceptances of their shares, and their own;
// memberships of their groups, and requests to join these. That somebody may see a name does not make a change concern
// them.
func (d *Difference) Concerns(before, after *Graph, user UserID) bool {
	switch d.Kind {
	case KindUser:
		return UserID(d.ID) == user
	case KindGroup:
		return inGroup(before, after, GroupID(d.ID), user)
	case KindMembership, KindRequest:
		return d.User == user || inGroup(before, after, GroupID(d.ID), user)
	default:
		return d.concerns(d.Before, before, user) || d.concerns(d.After, after, user)
	}
}

// concerns asks about one of the two states of an object that has an owner.
func (d *Difference) concerns(o Object, g *Graph, user UserID) bool {
	switch o := o.(type) {
	case *Authkey:
		return o.Owner == user
	case *Token:
		return o.Owner == user
	case *Invitation:
		return o.By == user
	case *Share:
		return o.Owner == user || g.receives(o, user)
	case *Acceptance:
		s, ok := g.Share(o.Share)
		return o.User == user || ok && s.Owner == user
	}
	return false
}

func inGroup(before, after *Graph, group GroupID, user UserID) bool {
	for _, g := range []*Graph{before, after} {
		if _, ok := g.Membership(group, user); ok {
			if _, there := g.Group(group); there {
				return true
			}
		}
	}
	return false
}
