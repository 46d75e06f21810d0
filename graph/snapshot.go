package graph

import (
	"hpfriends/graph/codec"
	"hpfriends/graph/limit"
)

// A stored graph:
//
//	"hpfgraph" | version (1) | index
//	| users | groups but everyone | memberships but everyone's | authkeys | shares | decisions | tokens
//	| retention: held, the newest acceptance and its clock | invitations
//	| limits of users who have some, with their numbers, from version 2
//	| requests to join groups, from version 3
//	| CRC-32C of all before it (4, little endian)
//
// Each section is a count and that many records in the order of their keys, so equal graphs have equal bytes. A graph
// is written as the first version that has all of it, so that what was stored before stays as it is. Numbers are
// varints, strings have their length before them, a time is 0 for none or 1, seconds and nanoseconds. What can be
// derived (indexes, what is due) is not stored.
const (
	snapshotMagic   = "hpfgraph"
	snapshotVersion = 3
)

// MarshalBinary encodes the graph. Equal graphs have equal encodings.
func (g *Graph) MarshalBinary() ([]byte, error) {
	var e encoder
	e.Bytes = make([]byte, 0, 1<<10+64*g.users.byID.Len()+48*g.shares.Len()+8*g.decided.Len())
	e.Bytes = append(append(e.Bytes, snapshotMagic...), 1)
	e.Uint(g.index)
	e.users(g)
	e.groups(g)
	e.authkeys(g)
	e.shares(g)
	e.tokens(g)
	e.retention(g.retention)
	e.invitations(g)
	e.later(g)
	return codec.Seal(e.Bytes), nil
}

type encoder struct{ codec.Encoder }

func (e *encoder) mark(m Mark) {
	e.Uint(m.Index)
	e.Time(m.Time)
}

func (e *encoder) patterns(list []Pattern) {
	e.Uint(uint64(len(list)))
	for _, p := range list {
		e.String(string(p))
	}
}

func (e *encoder) users(g *Graph) {
	e.Uint(uint64(g.users.byID.Len()))
	for u := range g.Users() {
		e.Uint(uint64(u.ID))
		e.String(u.Handle)
		e.String(u.Name)
		e.String(u.Password)
		e.String(string(u.Role))
		e.Bool(u.Enabled)
		e.mark(u.Created)
	}
}

// later writes what came after the first version, as far as there is some.
func (e *encoder) later(g *Graph) {
	var limited []*User
	for u := range g.Users() {
		if u.Limits != (limit.Limits{}) {
			limited = append(limited, u)
		}
	}
	version := byte(1)
	if len(limited) > 0 {
		version = 2
	}
	if g.asked.Len() > 0 {
		version = 3
	}
	if e.Bytes[len(snapshotMagic)] = version; version > 1 {
		e.limits(limited)
	}
	if version > 2 {
		e.requests(g)
	}
}

func (e *encoder) limits(limited []*User) {
	e.Uint(uint64(len(limited)))
	for _, u := range limited {
		e.Uint(uint64(u.ID))
		u.Limits.Append(&e.Encoder)
	}
}

func (e *encoder) requests(g *Graph) {
	e.Uint(uint64(g.asked.Len()))
	for _, r := range g.asked.All() {
		e.Uint(uint64(r.Group))
		e.Uint(uint64(r.User))
		e.String(r.Note)
		e.mark(r.Created)
	}
}

func (e *encoder) groups(g *Graph) {
	e.Uint(uint64(g.groups.byID.Len() - 1))
	for gr := range g.Groups() {
		if gr.ID == Everyone {
			continue
		}
		e.Uint(uint64(gr.ID))
		e.String(gr.Name)
		e.mark(gr.Created)
	}
	e.Uint(uint64(g.groups.members.Len()))
	for k, m := range g.groups.members.All() {
		e.Uint(k.A)
		e.Uint(k.B)
		e.Bool(m.admin)
		e.mark(m.joined)
	}
}

func (e *encoder) authkeys(g *Graph) {
	e.Uint(uint64(g.credentials.authkeys.Len()))
	for k := range g.Authkeys() {
		e.Uint(uint64(k.ID))
		e.Uint(uint64(k.Owner))
		e.String(k.Ident)
		e.String(string(k.Secret))
		e.String(k.Comment)
		e.patterns(k.Pub)
		e.patterns(k.Sub)
		e.Bool(k.Enabled)
		e.Time(k.Expires)
		e.Networks(k.Networks)
		e.Uint(uint64(k.MaxMessage))
		e.mark(k.Created)
		e.String(string(k.Old.Secret))
		e.Time(k.Old.Until)
	}
}

func (e *encoder) shares(g *Graph) {
	e.Uint(uint64(g.sharing.shares.Len()))
	for s := range g.Shares() {
		e.Uint(uint64(s.ID))
		e.Uint(uint64(s.Owner))
		e.String(string(s.Channel))
		e.Uint(uint64(s.User))
		e.Uint(uint64(s.Group))
		e.Bool(s.Type == All)
		e.Bool(s.History == Full)
		e.String(s.Note)
		e.Time(s.Expires)
		e.Bool(s.Expired)
		e.mark(s.Created)
	}
	e.Uint(uint64(g.decided.Len()))
	for p, enabled := range g.decided.All() {
		e.Uint(p.A)
		e.Uint(p.B)
		e.Bool(enabled)
	}
}

func (e *encoder) tokens(g *Graph) {
	e.Uint(uint64(g.credentials.tokens.Len()))
	for t := range values(g.credentials.tokens) {
		e.Uint(uint64(t.ID))
		e.Uint(uint64(t.Owner))
		e.String(string(t.Hash))
		e.String(t.Comment)
		e.Time(t.Expires)
		e.mark(t.Created)
		if e.Bool(t.Session); t.Session {
			e.String(t.From)
			e.String(t.Agent)
			continue
		}
		e.Uint(uint64(len(t.Grant.Scopes)))
		for _, s := range t.Grant.Scopes {
			e.String(string(s))
		}
		e.String(t.Grant.Channel)
		e.String(t.Grant.Authkey)
	}
}

func (e *encoder) retention(r Retention) {
	e.Bool(r.Held)
	e.mark(r.Accepted)
	e.Time(r.Clock)
}

func (e *encoder) invitations(g *Graph) {
	e.Uint(uint64(g.invited.Len()))
	for v := range g.Invitations() {
		e.Uint(uint64(v.ID))
		e.Uint(uint64(v.By))
		e.String(string(v.Hash))
		e.String(string(v.Role))
		e.Uint(uint64(v.Group))
		e.String(v.Note)
		e.Uint(uint64(v.Uses))
		e.Time(v.Expires)
		e.mark(v.Created)
	}
}
