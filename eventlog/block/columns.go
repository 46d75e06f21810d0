package block

import "encoding/binary"

// columns reads numbers and bytes one after the other. After the first error it returns zeros, and err stays.
type columns struct {
	rest []byte
	err  error
}

func (c *columns) fail(format string, args ...any) {
	if c.err == nil {
		c.err = malformed(format, args...)
	}
	c.rest = nil
}

func (c *columns) uvarint() uint64 {
	v, n := binary.Uvarint(c.rest)
	if n <= 0 {
		c.fail("number cut short or too long")
		return 0
	}
	c.rest = c.rest[n:]
	return v
}

func (c *columns) varint() int64 {
	v, n := binary.Varint(c.rest)
	if n <= 0 {
		c.fail("number cut short or too long")
		return 0
	}
	c.rest = c.rest[n:]
	return v
}

func (c *columns) bytes(n uint64) []byte {
	if n > uint64(len(c.rest)) {
		c.fail("%d bytes announced, %d left", n, len(c.rest))
		return nil
	}
	b := c.rest[:n:n]
	c.rest = c.rest[n:]
	return b
}

func (c *columns) fixed() uint32 {
	if b := c.bytes(4); c.err == nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// count reads a number of things that take at least each bytes of what is left, which bounds the allocation.
func (c *columns) count(what string, each int) int {
	n := c.uvarint()
	if n > uint64(len(c.rest)/each) {
		c.fail("%d %s in %d bytes", n, what, len(c.rest))
		return 0
	}
	return int(n)
}

// below reads a number that has to be less than limit.
func (c *columns) below(what string, limit int) int {
	v := c.uvarint()
	if c.err == nil && v >= uint64(limit) {
		c.fail("%s %d of %d", what, v, limit)
		return 0
	}
	return int(v)
}

// end is the error met, or that something is left.
func (c *columns) end(what string) error {
	if len(c.rest) > 0 {
		c.fail("%d bytes behind the %s", len(c.rest), what)
	}
	return c.err
}
