package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// MaxRequest and MaxResponse bound one call, in bytes.
const (
	MaxRequest  = 64 << 20
	MaxResponse = 64 << 20
)

// A frame of hpfriends-call/1, in both directions:
//
//	kind u8 | call u64 | length u32 | payload
//
//	request   method u8 | time left, ms, u32, 0 is no limit | body
//	response  body
//	failure   code u8 | text
//	cancel, ping, pong   nothing
type kind byte

const (
	kindRequest kind = 1 + iota
	kindResponse
	kindFailure
	kindCancel
	kindPing
	kindPong
)

const (
	frameHeader   = 1 + 8 + 4
	requestHeader = 1 + 4
	maxText       = 4 << 10
)

var errFrame = errors.New("link: malformed frame")

type header struct {
	kind   kind
	call   uint64
	length int
}

func (h header) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(append(b, byte(h.kind)), h.call)
	return binary.BigEndian.AppendUint32(b, uint32(h.length))
}

// readHeader reads a header and refuses lengths that its kind cannot have.
func readHeader(r io.Reader) (header, error) {
	var b [frameHeader]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return header{}, err
	}
	h := header{kind(b[0]), binary.BigEndian.Uint64(b[1:]), 0}
	length := binary.BigEndian.Uint32(b[9:])
	var least, most uint32
	switch h.kind {
	case kindRequest:
		least, most = requestHeader, requestHeader+MaxRequest
	case kindResponse:
		most = MaxResponse
	case kindFailure:
		least, most = 1, 1+maxText
	case kindCancel, kindPing, kindPong:
	default:
		return header{}, fmt.Errorf("%w: kind %d", errFrame, b[0])
	}
	if length < least || length > most {
		return header{}, fmt.Errorf("%w: kind %d with %d bytes, want %d to %d", errFrame, b[0], length, least, most)
	}
	h.length = int(length)
	return h, nil
}

// readPayload reads n bytes. It allocates as they arrive: a length alone takes no memory.
func readPayload(r io.Reader, n int) ([]byte, error) {
	const step = 1 << 20
	b := make([]byte, min(n, step))
	for read := 0; ; {
		m, err := io.ReadFull(r, b[read:])
		if read += m; err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		if read == n {
			return b, nil
		}
		grown := make([]byte, min(n, 4*len(b)))
		copy(grown, b)
		b = grown
	}
}

// request is the payload of a kindRequest.
type request struct {
	method byte
	left   time.Duration // 0: no limit
	body   []byte
}

// head is what stands before the body.
func (r request) head(b []byte) []byte {
	ms := uint32(0)
	if r.left > 0 {
		ms = uint32(min(max(r.left.Milliseconds(), 1), 1<<32-1))
	}
	return binary.BigEndian.AppendUint32(append(b, r.method), ms)
}

// parseRequest reads a payload that readHeader found long enough.
func parseRequest(b []byte) request {
	return request{b[0], time.Duration(binary.BigEndian.Uint32(b[1:])) * time.Millisecond, b[requestHeader:]}
}
