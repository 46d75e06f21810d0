package graph

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"
	"time"
)

// A stored graph:
//
//	"hpfgraph" | version (1) | index
//	| users | groups but everyone | memberships but everyone's | authkeys | shares | decisions | tokens
//	| retention: held, the newest acceptance and its clock
//	| invitations
//	| CRC-32C of all before it (4, little endian)
//
// Each section is a count and that many records in the order of their keys, so equal graphs have equal bytes. Numbers
// are varints, strings have their length before them, a time is 0 for none or 1, seconds and nanoseconds. What can be
// derived (indexes, what is due) is not stored.
const (
	snapshotMagic   = "hpfgraph"
	snapshotVersion = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// MarshalBinary encodes the graph. Equal graphs have equal encodings.
func (g *Graph) MarshalBinary() ([]byte, error) {
	e := make(encoder, 0, 1<<10+64*g.users.byID.Len()+48*g.shares.Len()+8*g.decided.Len())
	e = append(e, snapshotMagic...)
	e = append(e, snapshotVersion)
	e.uint(g.index)
	e.users(g)
	e.groups(g)
	e.authkeys(g)
	e.shares(g)
	e.tokens(g)
	e.retention(g.retention)
	e.invitations(g)
	return binary.LittleEndian.AppendUint32(e, crc32.Checksum(e, castagnoli)), nil
}

type encoder []byte

func (e *encoder) uint(v uint64) { *e = binary.AppendUvarint(*e, v) }

func (e *encoder) string(s string) {
	e.uint(uint64(len(s)))
	*e = append(*e, s...)
}

func (e *encoder) bool(b bool) {
	if b {
		*e = append(*e, 1)
	} else {
		*e = append(*e, 0)
	}
}

func (e *encoder) time(t time.Time) {
	e.bool(!t.IsZero())
	if !t.IsZero() {
		*e = binary.AppendVarint(*e, t.Unix())
		e.uint(uint64(t.Nanosecond()))
	}
}

func (e *encoder) mark(m Mark) {
	e.uint(m.Index)
	e.time(m.Time)
}

func (e *encoder) patterns(list []Pattern) {
	e.uint(uint64(len(list)))
	for _, p := range list {
		e.string(string(p))
	}
}

func (e *encoder) networks(list []netip.Prefix) {
	e.uint(uint64(len(list)))
	for _, n := range list {
		e.string(string(n.Addr().AsSlice()))
		e.uint(uint64(n.Bits()))
	}
}

func (e *encoder) users(g *Graph) {
	e.uint(uint64(g.users.byID.Len()))
	for u := range g.Users() {
		e.uint(uint64(u.ID))
		e.string(u.Handle)
		e.string(u.Name)
		e.string(u.Password)
		e.string(string(u.Role))
		e.bool(u.Enabled)
		e.mark(u.Created)
	}
}

func (e *encoder) groups(g *Graph) {
	e.uint(uint64(g.groups.byID.Len() - 1))
	for gr := range g.Groups() {
		if gr.ID == Everyone {
			continue
		}
		e.uint(uint64(gr.ID))
		e.string(gr.Name)
		e.mark(gr.Created)
	}
	e.uint(uint64(g.groups.members.Len()))
	for k, m := range g.groups.members.All() {
		e.uint(k.A)
		e.uint(k.B)
		e.bool(m.admin)
		e.mark(m.joined)
	}
}

func (e *encoder) authkeys(g *Graph) {
	e.uint(uint64(g.credentials.authkeys.Len()))
	for k := range g.Authkeys() {
		e.uint(uint64(k.ID))
		e.uint(uint64(k.Owner))
		e.string(k.Ident)
		e.string(string(k.Secret))
		e.string(k.Comment)
		e.patterns(k.Pub)
		e.patterns(k.Sub)
		e.bool(k.Enabled)
		e.time(k.Expires)
		e.networks(k.Networks)
		e.uint(uint64(k.MaxMessage))
		e.mark(k.Created)
		e.string(string(k.Old.Secret))
		e.time(k.Old.Until)
	}
}

func (e *encoder) shares(g *Graph) {
	e.uint(uint64(g.sharing.shares.Len()))
	for s := range g.Shares() {
		e.uint(uint64(s.ID))
		e.uint(uint64(s.Owner))
		e.string(string(s.Channel))
		e.uint(uint64(s.User))
		e.uint(uint64(s.Group))
		e.bool(s.Type == All)
		e.bool(s.History == Full)
		e.string(s.Note)
		e.time(s.Expires)
		e.bool(s.Expired)
		e.mark(s.Created)
	}
	e.uint(uint64(g.decided.Len()))
	for p, enabled := range g.decided.All() {
		e.uint(p.A)
		e.uint(p.B)
		e.bool(enabled)
	}
}

func (e *encoder) tokens(g *Graph) {
	e.uint(uint64(g.credentials.tokens.Len()))
	for t := range values(g.credentials.tokens) {
		e.uint(uint64(t.ID))
		e.uint(uint64(t.Owner))
		e.string(string(t.Hash))
		e.string(t.Comment)
		e.time(t.Expires)
		e.mark(t.Created)
		if e.bool(t.Session); t.Session {
			e.string(t.From)
			e.string(t.Agent)
		}
	}
}

func (e *encoder) retention(r Retention) {
	e.bool(r.Held)
	e.mark(r.Accepted)
	e.time(r.Clock)
}

func (e *encoder) invitations(g *Graph) {
	e.uint(uint64(g.invited.Len()))
	for v := range g.Invitations() {
		e.uint(uint64(v.ID))
		e.uint(uint64(v.By))
		e.string(string(v.Hash))
		e.string(string(v.Role))
		e.uint(uint64(v.Group))
		e.string(v.Note)
		e.uint(uint64(v.Uses))
		e.time(v.Expires)
		e.mark(v.Created)
	}
}
