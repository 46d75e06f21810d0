package graph

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/netip"
	"time"
)

// ErrSnapshot is what a stored graph that cannot be read comes to: cut short, altered, or of a later version.
var ErrSnapshot = errors.New("graph: stored graph is damaged")

// Read decodes a graph that WriteTo wrote.
func Read(r io.Reader) (*Graph, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	g := new(Graph)
	return g, g.UnmarshalBinary(data)
}

// UnmarshalBinary makes g the graph that data encodes. g must not be in use yet. Errors are ErrSnapshot and leave g as
// it was.
func (g *Graph) UnmarshalBinary(data []byte) error {
	body := len(data) - crc32.Size
	head := len(snapshotMagic) + 1
	switch {
	case body < head || string(data[:len(snapshotMagic)]) != snapshotMagic:
		return fmt.Errorf("%w: it does not begin with %q", ErrSnapshot, snapshotMagic)
	case data[head-1] != snapshotVersion:
		return fmt.Errorf("%w: it has version %d, this program reads %d", ErrSnapshot, data[head-1], snapshotVersion)
	case crc32.Checksum(data[:body], castagnoli) != binary.LittleEndian.Uint32(data[body:]):
		return fmt.Errorf("%w: checksum differs", ErrSnapshot)
	}
	d := &decoder{data: data[head:body], graph: New(), edit: new(edit), patterns: make(map[string]Pattern)}
	d.graph.index = d.uint()
	d.users()
	d.groups()
	d.authkeys()
	d.shares()
	d.tokens()
	if d.err == nil && len(d.data) > 0 {
		d.fail("%d bytes too many", len(d.data))
	}
	if d.err != nil {
		return d.err
	}
	*g = *d.graph
	return nil
}

// decoder reads on after an error, but only zeros: callers check err where it matters.
type decoder struct {
	data     []byte
	err      error
	graph    *Graph
	edit     *edit
	patterns map[string]Pattern // few names are shared many times: keep one copy of each
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", ErrSnapshot, fmt.Sprintf(format, args...))
	}
	d.data = nil
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.data)
	if n <= 0 {
		d.fail("it is cut short")
		return 0
	}
	d.data = d.data[n:]
	return v
}

func (d *decoder) bytes() []byte {
	n := d.uint()
	if n > uint64(len(d.data)) {
		d.fail("it is cut short")
		return nil
	}
	b := d.data[:n]
	d.data = d.data[n:]
	return b
}

func (d *decoder) string() string { return string(d.bytes()) }

func (d *decoder) pattern() Pattern {
	b := d.bytes()
	p, ok := d.patterns[string(b)]
	if !ok {
		p = Pattern(b)
		d.patterns[string(p)] = p
	}
	return p
}

func (d *decoder) bool() bool { return d.uint() != 0 }

func (d *decoder) time() time.Time {
	if !d.bool() {
		return time.Time{}
	}
	sec, n := binary.Varint(d.data)
	if n <= 0 {
		d.fail("it is cut short")
		return time.Time{}
	}
	d.data = d.data[n:]
	return time.Unix(sec, int64(d.uint())).UTC()
}

func (d *decoder) mark() Mark { return Mark{d.uint(), d.time()} }

// count is how many records follow. Each has at least a byte, so a lying count does not cost memory.
func (d *decoder) count() uint64 {
	n := d.uint()
	if n > uint64(len(d.data)) {
		d.fail("%d records in %d bytes", n, len(d.data))
		return 0
	}
	return n
}

// need fails unless what a record refers to is there.
func (d *decoder) need(ok bool, what string, id uint64) {
	if !ok {
		d.fail("there is no %s #%d", what, id)
	}
}

func (d *decoder) users() {
	for range d.count() {
		u := &User{ID: UserID(d.uint()), Handle: d.string(), Name: d.string(), Password: d.string()}
		u.Role = d.role()
		u.Enabled, u.Created = d.bool(), d.mark()
		if d.err != nil {
			return
		}
		d.graph.putUser(d.edit, u)
	}
}

// role returns one of the constants, so that not every user holds on to a copy.
func (d *decoder) role() Role {
	switch r := Role(d.bytes()); r {
	case Member:
		return Member
	case Auditor:
		return Auditor
	case Admin:
		return Admin
	default:
		d.fail("there is no role %q", r)
		return Member
	}
}

func (d *decoder) groups() {
	for range d.count() {
		gr := &Group{ID: GroupID(d.uint()), Name: d.string(), Created: d.mark()}
		if d.err != nil {
			return
		}
		d.graph.putGroup(d.edit, gr)
	}
	for range d.count() {
		m := Membership{GroupID(d.uint()), UserID(d.uint()), d.bool(), d.mark()}
		_, group := d.graph.Group(m.Group)
		d.need(group, "group", uint64(m.Group))
		d.need(d.graph.users.byID.has(uint64(m.User)), "user", uint64(m.User))
		if d.err != nil {
			return
		}
		d.graph.putMember(d.edit, m)
	}
}

func (d *decoder) authkeys() {
	for range d.count() {
		k := &Authkey{ID: AuthkeyID(d.uint()), Owner: UserID(d.uint()), Ident: d.string()}
		k.Secret, k.Comment = append([]byte(nil), d.bytes()...), d.string()
		k.Pub, k.Sub = d.patternList(), d.patternList()
		k.Enabled, k.Expires = d.bool(), d.time()
		k.Networks = d.networks()
		k.MaxMessage, k.Created = int(d.uint()), d.mark()
		d.need(d.graph.users.byID.has(uint64(k.Owner)), "user", uint64(k.Owner))
		if d.err != nil {
			return
		}
		d.graph.putAuthkey(d.edit, k)
	}
}

func (d *decoder) patternList() []Pattern {
	var list []Pattern
	for range d.count() {
		list = append(list, d.pattern())
	}
	return list
}

func (d *decoder) networks() []netip.Prefix {
	var list []netip.Prefix
	for range d.count() {
		addr, ok := netip.AddrFromSlice(d.bytes())
		n := netip.PrefixFrom(addr, int(d.uint()&0xff))
		if !ok || !n.IsValid() {
			d.fail("a network is not one")
			return nil
		}
		list = append(list, n)
	}
	return list
}

func (d *decoder) shares() {
	for range d.count() {
		s := &Share{ID: ShareID(d.uint()), Owner: UserID(d.uint()), Channel: d.pattern()}
		s.User, s.Group, s.Type, s.History = UserID(d.uint()), GroupID(d.uint()), Own, FromShare
		if d.bool() {
			s.Type = All
		}
		if d.bool() {
			s.History = Full
		}
		s.Note, s.Expires, s.Expired, s.Created = d.string(), d.time(), d.bool(), d.mark()
		d.need(d.graph.users.byID.has(uint64(s.Owner)), "user", uint64(s.Owner))
		if s.Group != 0 {
			d.need(d.graph.groups.byID.has(uint64(s.Group)), "group", uint64(s.Group))
		} else {
			d.need(d.graph.users.byID.has(uint64(s.User)), "user", uint64(s.User))
		}
		if d.err != nil {
			return
		}
		d.graph.putShare(d.edit, s)
	}
	for range d.count() {
		share, user := ShareID(d.uint()), UserID(d.uint())
		s, ok := d.graph.Share(share)
		d.need(ok && d.graph.receives(s, user), "receiver of a share", uint64(user))
		if d.err != nil {
			return
		}
		d.graph.putAcceptance(d.edit, share, user)
	}
}

func (d *decoder) tokens() {
	for range d.count() {
		t := &Token{ID: TokenID(d.uint()), Owner: UserID(d.uint()), Hash: append([]byte(nil), d.bytes()...)}
		t.Comment, t.Expires, t.Created = d.string(), d.time(), d.mark()
		d.need(d.graph.users.byID.has(uint64(t.Owner)), "user", uint64(t.Owner))
		if d.err != nil {
			return
		}
		d.graph.putToken(d.edit, t)
	}
}
