package entry

import (
	"encoding/binary"
	"fmt"
	"time"
)

// CursorVerb is what an operation does.
type CursorVerb byte

// The operations on cursors.
const (
	ClaimCursor   CursorVerb = 1 // a connection begins to read by it; makes it at Start when it is new
	AdvanceCursor CursorVerb = 2 // the connection of Epoch got to Acked and Safe
	ResetCursor   CursorVerb = 3 // its owner moves it to Start
	RemoveCursor  CursorVerb = 4 // its owner removes it
)

// CursorOp is one operation. Fields that its verb does not name are not kept.
type CursorOp struct {
	Verb        CursorVerb
	Authkey     uint64
	Name        string
	Start       Position // claim, reset
	Channel     string   // claim
	Epoch       uint64   // advance
	Acked, Safe Position // advance
	Final       bool     // advance: the connection is over
	User        uint64   // reset, remove: whose rights are used, 0 only for Operator
	Operator    bool     // reset, remove
}

// Cursors is an entry of KindCursor: operations that are applied in order. Time is of the proposer's clock, in
// milliseconds.
type Cursors struct {
	Time time.Time
	Ops  []CursorOp
}

// The data of a KindCursor entry. Numbers are varints as in encoding/binary; a position is its index and its offset.
//
//	kind (1) | version (1) | time (8, unix milliseconds, big endian) | n | n x operation
//	operation  verb (1) | authkey | length of the name (1), name | and by verb:
//	  claim    start | length of the channel, channel
//	  advance  epoch | acked | safe | flags (1), 1: final
//	  reset    start | user | flags (1), 1: operator
//	  remove   user | flags (1), 1: operator
const (
	cursorsVersion = 1
	minCursorOp    = 5 // verb, authkey, length of the name, user, flags
)

// Encode returns the entry's data, kind byte first. Names are at most 255 bytes long.
func (e *Cursors) Encode() []byte {
	d := []byte{byte(KindCursor), cursorsVersion}
	d = binary.BigEndian.AppendUint64(d, uint64(e.Time.UnixMilli()))
	d = binary.AppendUvarint(d, uint64(len(e.Ops)))
	for i := range e.Ops {
		d = e.Ops[i].append(d)
	}
	return d
}

func (o *CursorOp) append(d []byte) []byte {
	d = append(d, byte(o.Verb))
	d = binary.AppendUvarint(d, o.Authkey)
	d = append(append(d, byte(len(o.Name))), o.Name...)
	switch o.Verb {
	case ClaimCursor:
		d = binary.AppendUvarint(appendPosition(d, o.Start), uint64(len(o.Channel)))
		d = append(d, o.Channel...)
	case AdvanceCursor:
		d = appendPosition(appendPosition(binary.AppendUvarint(d, o.Epoch), o.Acked), o.Safe)
		d = append(d, flag(o.Final))
	case ResetCursor:
		d = append(binary.AppendUvarint(appendPosition(d, o.Start), o.User), flag(o.Operator))
	case RemoveCursor:
		d = append(binary.AppendUvarint(d, o.User), flag(o.Operator))
	}
	return d
}

func appendPosition(d []byte, p Position) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(d, p.Index), uint64(p.Offset))
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// DecodeCursors decodes an entry's data, kind byte first.
func DecodeCursors(data []byte) (*Cursors, error) {
	if len(data) < 10 || Kind(data[0]) != KindCursor || data[1] != cursorsVersion {
		return nil, fmt.Errorf("eventlog: not operations on cursors of version %d", cursorsVersion)
	}
	e := &Cursors{Time: Milliseconds(data[2:])}
	r := newTableReader(data[10:])
	n := r.Uvarint()
	if n > uint64(len(r.Rest)/minCursorOp) {
		r.Fail("%d operations in %d bytes", n, len(r.Rest))
	}
	for i := uint64(0); i < n && r.Err == nil; i++ {
		e.Ops = append(e.Ops, r.cursorOp())
	}
	if len(r.Rest) > 0 {
		r.Fail("%d bytes after the last operation", len(r.Rest))
	}
	if r.Err != nil {
		return nil, fmt.Errorf("eventlog: operations on cursors: %w", r.Err)
	}
	return e, nil
}

func (c *tableReader) cursorOp() CursorOp {
	o := CursorOp{Verb: CursorVerb(c.byte())}
	o.Authkey = c.Uvarint()
	o.Name = string(c.Bytes(uint64(c.byte())))
	switch o.Verb {
	case ClaimCursor:
		o.Start = c.position()
		o.Channel = string(c.Bytes(c.Uvarint()))
	case AdvanceCursor:
		o.Epoch, o.Acked, o.Safe = c.Uvarint(), c.position(), c.position()
		o.Final = c.flag()
	case ResetCursor:
		o.Start, o.User = c.position(), c.Uvarint()
		o.Operator = c.flag()
	case RemoveCursor:
		o.User, o.Operator = c.Uvarint(), c.flag()
	default:
		c.Fail("operation %d", o.Verb)
	}
	return o
}

func (c *tableReader) position() Position {
	p := Position{Index: c.Uvarint()}
	offset := c.Uvarint()
	if p.Offset = uint32(offset); uint64(p.Offset) != offset {
		c.Fail("offset %d", offset)
	}
	return p
}

func (c *tableReader) byte() byte {
	if b := c.Bytes(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (c *tableReader) flag() bool {
	b := c.byte()
	if b > 1 {
		c.Fail("flags %#x", b)
	}
	return b == 1
}

// MaxCursorName bounds the name of a cursor, in bytes.
const MaxCursorName = 64

// ValidCursorName reports whether a cursor may have this name: 1 to MaxCursorName letters, digits and ._:- of ASCII.
// The names that mean something else in a path are none.
func ValidCursorName(name string) bool {
	if len(name) == 0 || len(name) > MaxCursorName || name == "." || name == ".." {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == ':', c == '-':
		default:
			return false
		}
	}
	return true
}
