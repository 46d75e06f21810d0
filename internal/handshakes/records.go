package handshakes

import "encoding/binary"

// Types of records (RFC 8446, 5.1), and the length of what they begin with.
const (
	typeHandshake = 22
	typeData      = 23
	headerLen     = 5
)

// records follows the records of a stream. In a handshake, the first of type "application data" is the last part of
// TLS 1.3, which costs next to nothing, or comes after all of TLS 1.2.
type records struct {
	head [headerLen]byte
	have int  // of head
	left int  // of the record
	data bool // one of type "application data" has begun
}

// take takes what has come, and reports whether a record of the handshake has ended in it.
func (r *records) take(b []byte) (ended bool) {
	for len(b) > 0 && !r.data {
		if r.have < headerLen {
			n := copy(r.head[r.have:], b)
			r.have += n
			b = b[n:]
			if r.have < headerLen {
				return ended
			}
			r.left = int(binary.BigEndian.Uint16(r.head[headerLen-2:]))
			r.data = r.head[0] == typeData
		}
		n := min(r.left, len(b))
		r.left -= n
		b = b[n:]
		if r.left == 0 {
			ended = ended || r.head[0] == typeHandshake
			r.have = 0
		}
	}
	return ended
}
