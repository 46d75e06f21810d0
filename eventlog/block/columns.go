package block

import (
	"encoding/binary"

	"hpfriends/internal/varint"
)

// columns reads what a section holds. After the first error it returns zeros, and the error stays.
type columns struct{ varint.Reader }

func newColumns(raw []byte) columns { return columns{varint.Reader{Rest: raw, Malformed: malformed}} }

func (c *columns) fixed() uint32 {
	if b := c.Bytes(4); c.Err == nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// count reads a number of things that take at least each bytes of what is left, which bounds the allocation.
func (c *columns) count(what string, each int) int {
	n := c.Uvarint()
	if n > uint64(len(c.Rest)/each) {
		c.Fail("%d %s in %d bytes", n, what, len(c.Rest))
		return 0
	}
	return int(n)
}

// below reads a number that has to be less than limit.
func (c *columns) below(what string, limit int) int {
	v := c.Uvarint()
	if c.Err == nil && v >= uint64(limit) {
		c.Fail("%s %d of %d", what, v, limit)
		return 0
	}
	return int(v)
}

// end is the error met, or that something is left.
func (c *columns) end(what string) error {
	if len(c.Rest) > 0 {
		c.Fail("%d bytes behind the %s", len(c.Rest), what)
	}
	return c.Err
}
