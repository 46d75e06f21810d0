// Package varint reads numbers and bytes that stand one after the other, from whoever wrote them.
//
// # Invariant
//
// A length is compared with what is there before anything is taken. After the first error a Reader returns zeros and
// has nothing left, and the error stays: callers look at it where it matters.
//
// # Concurrency
//
// A Reader belongs to one goroutine.
package varint

import "encoding/binary"

// Reader reads Rest.
type Reader struct {
	Rest      []byte
	Err       error
	Malformed func(format string, args ...any) error // makes the errors of the format at hand
}

// Fail notes the first error.
func (r *Reader) Fail(format string, args ...any) {
	if r.Err == nil {
		r.Err = r.Malformed(format, args...)
	}
	r.Rest = nil
}

// Uvarint reads a number, as binary.AppendUvarint writes it.
func (r *Reader) Uvarint() uint64 {
	v, n := binary.Uvarint(r.Rest)
	if n <= 0 {
		r.Fail("number cut short or too long")
		return 0
	}
	r.Rest = r.Rest[n:]
	return v
}

// Varint reads a signed number, as binary.AppendVarint writes it.
func (r *Reader) Varint() int64 {
	v, n := binary.Varint(r.Rest)
	if n <= 0 {
		r.Fail("number cut short or too long")
		return 0
	}
	r.Rest = r.Rest[n:]
	return v
}

// Bytes takes n bytes, which stay part of what is read.
func (r *Reader) Bytes(n uint64) []byte {
	if n > uint64(len(r.Rest)) {
		r.Fail("%d bytes announced, %d left", n, len(r.Rest))
		return nil
	}
	b := r.Rest[:n:n]
	r.Rest = r.Rest[n:]
	return b
}
