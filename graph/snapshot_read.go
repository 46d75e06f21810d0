package graph

import (
	"errors"

	"hpfriends/graph/codec"
	"hpfriends/graph/due"
	"hpfriends/graph/limit"
	"hpfriends/graph/scope"
	"hpfriends/graph/tree"
)

// ErrSnapshot is what a stored graph that cannot be read comes to: cut short, altered, or of a later version.
var ErrSnapshot = errors.New("graph: stored graph is damaged")

// UnmarshalBinary makes g the graph that data encodes. g must not be in use yet. Errors are ErrSnapshot and leave g as
// it was.
func (g *Graph) UnmarshalBinary(data []byte) error {
	version, body, err := codec.Open(data, snapshotMagic, snapshotVersion, ErrSnapshot)
	if err != nil {
		return err
	}
	d := &decoder{graph: New(), patterns: make(map[string]Pattern)}
	d.Decoder = codec.Decoder{Data: body, Damaged: ErrSnapshot}
	d.graph.index = d.Uint()
	d.users()
	d.groups()
	d.authkeys()
	d.shares()
	d.decisions()
	d.tokens()
	d.graph.retention = Retention{Held: d.Bool(), Accepted: d.mark(), Clock: d.Time()}
	d.invitations()
	if version > 1 {
		d.limits()
	}
	if version > 2 {
		d.requests()
	}
	load(d, "expiry", &d.graph.expiry, d.due)
	if d.Err == nil && len(d.Data) > 0 {
		d.Fail("%d bytes too many", len(d.Data))
	}
	if d.Err != nil {
		return d.Err
	}
	*g = *d.graph
	return nil
}

func (d *decoder) users() {
	items := records(d, func() (uint64, *User) {
		u := &User{ID: UserID(d.Uint()), Handle: d.String(), Name: d.String(), Password: d.String()}
		u.Role = d.role()
		u.Enabled, u.Created = d.Bool(), d.mark()
		return uint64(u.ID), u
	})
	load(d, "users", &d.graph.users.byID, items)
	derive(d, "users", &d.graph.users.byHandle, items, func(u *User) string { return fold(u.Handle) })
	for _, it := range items {
		d.userIDs = append(d.userIDs, it.Key)
	}
}

// limits gives users who were just read theirs.
func (d *decoder) limits() {
	for range d.Count() {
		id := d.Uint()
		u, ok := d.graph.users.byID.Find(id)
		d.need(ok, "user", id)
		l := limit.Read(&d.Decoder)
		if d.Err != nil {
			return
		}
		u.Limits = l
	}
}

// requests are of users who are no members.
func (d *decoder) requests() {
	into := newDraft(d.graph)
	for range d.Count() {
		r := &JoinRequest{Group: GroupID(d.Uint()), User: UserID(d.Uint()), Note: d.String(), Created: d.mark()}
		_, group := d.graph.Group(r.Group)
		d.need(group && r.Group != Everyone, "group", uint64(r.Group))
		d.needUser(r.User)
		_, member := d.graph.Membership(r.Group, r.User)
		d.need(!member, "user outside of the group", uint64(r.User))
		if d.Err != nil {
			return
		}
		into.requests.put(into.edit, r)
	}
}

// role returns one of the constants, so that not every user holds on to a copy.
func (d *decoder) role() Role {
	switch r := Role(d.Bytes()); r {
	case Member:
		return Member
	case Auditor:
		return Auditor
	case Admin:
		return Admin
	default:
		d.Fail("there is no role %q", r)
		return Member
	}
}

func (d *decoder) groups() {
	everyone, _ := d.graph.Group(Everyone)
	items := append(records(d, func() (uint64, *Group) {
		gr := &Group{ID: GroupID(d.Uint()), Name: d.String(), Created: d.mark()}
		return uint64(gr.ID), gr
	}), tree.Item[uint64, *Group]{Key: uint64(Everyone), Val: everyone})
	load(d, "groups", &d.graph.groups.byID, items)
	derive(d, "groups", &d.graph.groups.byName, items, func(gr *Group) string { return fold(gr.Name) })
	into := newDraft(d.graph)
	for range d.Count() {
		m := Membership{GroupID(d.Uint()), UserID(d.Uint()), d.Bool(), d.mark()}
		_, group := d.graph.Group(m.Group)
		d.need(group && m.Group != Everyone, "group", uint64(m.Group))
		d.needUser(m.User)
		if d.Err != nil {
			return
		}
		into.putMember(m)
	}
}

func (d *decoder) authkeys() {
	items := records(d, func() (uint64, *Authkey) {
		k := &Authkey{ID: AuthkeyID(d.Uint()), Owner: UserID(d.Uint()), Ident: d.String()}
		k.Secret, k.Comment = append([]byte(nil), d.Bytes()...), d.String()
		k.Pub, k.Sub = d.patternList(), d.patternList()
		k.Enabled, k.Expires = d.Bool(), d.Time()
		k.Networks = d.Networks()
		k.MaxMessage, _ = atLeast(int(d.Uint()))
		k.Created = d.mark()
		k.Old = OldSecret{append([]byte(nil), d.Bytes()...), d.Time()}
		d.needUser(k.Owner)
		if k.Enabled {
			d.expires(k.Expires, due.Authkey, uint64(k.ID))
		}
		return uint64(k.ID), k
	})
	load(d, "authkeys", &d.graph.credentials.authkeys, items)
	derive(d, "authkeys", &d.graph.idents, items, func(k *Authkey) string { return k.Ident })
	relate(d, &d.graph.keysOf, items, func(k *Authkey) (a, b uint64) { return uint64(k.Owner), uint64(k.ID) })
}

func (d *decoder) patternList() []Pattern {
	var list []Pattern
	for range d.Count() {
		list = append(list, d.pattern())
	}
	return list
}

func (d *decoder) shares() {
	items := records(d, func() (uint64, *Share) {
		s := &Share{ID: ShareID(d.Uint()), Owner: UserID(d.Uint()), Channel: d.pattern()}
		s.User, s.Group, s.Type, s.History = UserID(d.Uint()), GroupID(d.Uint()), Own, FromShare
		if d.Bool() {
			s.Type = All
		}
		if d.Bool() {
			s.History = Full
		}
		s.Note, s.Expires, s.Expired, s.Created = d.String(), d.Time(), d.Bool(), d.mark()
		d.needUser(s.Owner)
		if s.Group == 0 {
			d.needUser(s.User)
		} else {
			d.need(s.User == 0 && d.graph.groups.byID.Has(uint64(s.Group)), "group", uint64(s.Group))
		}
		if !s.Expired {
			d.expires(s.Expires, due.Share, uint64(s.ID))
		}
		return uint64(s.ID), s
	})
	load(d, "shares", &d.graph.sharing.shares, items)
	derive(d, "shares", &d.graph.byEdge, items, (*Share).edge)
	relate(d, &d.graph.toUser, items, func(s *Share) (a, b uint64) { return uint64(s.User), uint64(s.ID) })
	relate(d, &d.graph.toGroup, items, func(s *Share) (a, b uint64) { return uint64(s.Group), uint64(s.ID) })
}

func (d *decoder) decisions() {
	n := d.Count()
	items := make([]tree.Item[tree.Pair, bool], 0, min(n, 1<<16))
	byReceiver := make([]tree.Item[tree.Pair, bool], 0, min(n, 1<<16))
	var s *Share
	for range n {
		share, user := d.Uint(), d.Uint()
		if s == nil || uint64(s.ID) != share {
			s, _ = d.graph.Share(ShareID(share))
		}
		d.need(s != nil && d.graph.receives(s, UserID(user)), "receiver of a share", user)
		if d.Err != nil {
			return
		}
		enabled := d.Bool()
		items = append(items, tree.Item[tree.Pair, bool]{Key: tree.Pair{A: share, B: user}, Val: enabled})
		byReceiver = append(byReceiver, tree.Item[tree.Pair, bool]{Key: tree.Pair{A: user, B: share}, Val: enabled})
	}
	load(d, "decisions", &d.graph.decided, items)
	load(d, "decisions", &d.graph.byReceiver, byReceiver)
}

func (d *decoder) tokens() {
	items := records(d, func() (uint64, *Token) {
		t := &Token{ID: TokenID(d.Uint()), Owner: UserID(d.Uint()), Hash: append([]byte(nil), d.Bytes()...)}
		t.Comment, t.Expires, t.Created = d.String(), d.Time(), d.mark()
		if t.Session = d.Bool(); t.Session {
			t.From, t.Agent = d.String(), d.String()
		} else {
			for range d.Count() {
				t.Grant.Scopes = append(t.Grant.Scopes, scope.Scope(d.String()))
			}
			t.Grant.Channel, t.Grant.Authkey = d.String(), d.String()
		}
		d.needUser(t.Owner)
		d.expires(t.Expires, due.Token, uint64(t.ID))
		return uint64(t.ID), t
	})
	load(d, "tokens", &d.graph.credentials.tokens, items)
	derive(d, "tokens", &d.graph.hashes, items, func(t *Token) string { return string(t.Hash) })
	relate(d, &d.graph.tokensOf, items, func(t *Token) (a, b uint64) { return uint64(t.Owner), uint64(t.ID) })
}

func (d *decoder) invitations() {
	items := records(d, func() (uint64, *Invitation) {
		v := &Invitation{ID: InvitationID(d.Uint()), By: UserID(d.Uint()), Hash: append([]byte(nil), d.Bytes()...)}
		v.Role, v.Group, v.Note = Role(d.String()), GroupID(d.Uint()), d.String()
		v.Uses, v.Expires, v.Created = int(d.Uint()), d.Time(), d.mark()
		if v.By != 0 {
			d.needUser(v.By)
		}
		d.need(v.Group == 0 || d.graph.groups.byID.Has(uint64(v.Group)), "group", uint64(v.Group))
		d.expires(v.Expires, due.Invitation, uint64(v.ID))
		return uint64(v.ID), v
	})
	load(d, "invitations", &d.graph.invited, items)
	derive(d, "invitations", &d.graph.byHash, items, func(v *Invitation) string { return string(v.Hash) })
	relate(d, &d.graph.invitesTo, items, func(v *Invitation) (a, b uint64) { return uint64(v.Group), uint64(v.ID) })
	relate(d, &d.graph.invitesOf, items, func(v *Invitation) (a, b uint64) { return uint64(v.By), uint64(v.ID) })
}
