package wire

import (
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
)

// Opcodes: the fifth byte of a frame.
const (
	OpError       byte = 0 // broker to client: text
	OpInfo        byte = 1 // broker to client, once: name, nonce
	OpAuth        byte = 2 // client to broker: ident, SHA-1 of nonce and secret
	OpPublish     byte = 3 // both: ident, channel, payload
	OpSubscribe   byte = 4 // client to broker: ident, channel
	OpUnsubscribe byte = 5 // client to broker: ident, channel
)

const (
	HeaderLen = 5         // length (4 bytes, big-endian, itself included) and opcode
	MaxName   = 255       // bytes of an ident, a channel in a PUBLISH, a broker's name: they have one byte of length
	DigestLen = sha1.Size // bytes of the answer to a challenge

	// MaxAuthLen is the longest AUTH frame, and so the most that is taken from a peer that has not logged in.
	MaxAuthLen = HeaderLen + 1 + MaxName + DigestLen
	// MaxSubscribeLen is the longest SUBSCRIBE or UNSUBSCRIBE frame. The channel has no byte of length there, and may
	// carry a query, so it may be longer than MaxName.
	MaxSubscribeLen = 4096

	maxErrorLen = HeaderLen + 1<<20 // what a client takes
	maxNonce    = 255

	// DefaultMaxPayload is what Limits.MaxPayload is when it is not set: malware samples travel as messages.
	DefaultMaxPayload = 10 << 20
	// MaxPayloadLimit is the greatest Limits.MaxPayload.
	MaxPayloadLimit = 1 << 30
)

// Errors of the parsers. They are returned wrapped, with the figures.
var (
	// ErrMalformed: a length below the least, an inner length past the end, or a frame of another opcode.
	ErrMalformed = errors.New("malformed message")
	// ErrTooLarge: the frame is longer than its opcode allows.
	ErrTooLarge = errors.New("message too large")
	// ErrOpcode: no such opcode, or none that this side takes.
	ErrOpcode = errors.New("unknown message type")
)

// Limits bound what is taken from a peer. They are checked on the header, before memory is taken for the frame.
type Limits struct {
	MaxPayload int // bytes of a PUBLISH payload; 0 means DefaultMaxPayload
}

func (l Limits) validate() error {
	if l.MaxPayload < 0 || l.MaxPayload > MaxPayloadLimit {
		return fmt.Errorf("wire: max payload of %d bytes: want 1 to %d", l.MaxPayload, MaxPayloadLimit)
	}
	return nil
}

func (l Limits) withDefaults() Limits {
	if l.MaxPayload == 0 {
		l.MaxPayload = DefaultMaxPayload
	}
	return l
}

// Check decides on the header of a frame: n is its announced length. It takes any opcode in either direction; who may
// send what is the session's to know.
func (l Limits) Check(n uint32, op byte) error {
	var least, most int
	switch op {
	case OpError:
		least, most = HeaderLen, maxErrorLen
	case OpInfo:
		least, most = HeaderLen+1, HeaderLen+1+MaxName+maxNonce
	case OpAuth:
		least, most = HeaderLen+1, MaxAuthLen
	case OpPublish:
		least, most = HeaderLen+2, HeaderLen+2+2*MaxName+l.withDefaults().MaxPayload
	case OpSubscribe, OpUnsubscribe:
		least, most = HeaderLen+1, MaxSubscribeLen
	default:
		return fmt.Errorf("%w: opcode %d", ErrOpcode, op)
	}
	if n < uint32(least) {
		return fmt.Errorf("%w: length %d of opcode %d, want at least %d", ErrMalformed, n, op, least)
	}
	if n > uint32(most) {
		return &sizeError{size: n, limit: most, op: op}
	}
	return nil
}

// sizeError is ErrTooLarge with the figures.
type sizeError struct {
	size  uint32 // bytes of the frame
	limit int
	op    byte
}

func (e *sizeError) Error() string {
	return fmt.Sprintf("%v: %d bytes of opcode %d, at most %d", ErrTooLarge, e.size, e.op, e.limit)
}

func (e *sizeError) Unwrap() error { return ErrTooLarge }

// Header splits the header off b, which has at least HeaderLen bytes.
func Header(b []byte) (n uint32, op byte) { return binary.BigEndian.Uint32(b), b[4] }

// Digest is the answer to a challenge: SHA-1 of the nonce followed by the secret.
func Digest(nonce, secret []byte) [DigestLen]byte {
	h := sha1.New()
	h.Write(nonce)
	h.Write(secret)
	var sum [DigestLen]byte
	h.Sum(sum[:0])
	return sum
}

// The parsers take one whole frame and return slices of it. What parses encodes to the same bytes again.

// ParseError returns the text of an ERROR frame.
func ParseError(frame []byte) (text []byte, err error) {
	return body(frame, OpError)
}

// ParseInfo returns the broker's name and the nonce of an INFO frame.
func ParseInfo(frame []byte) (name, nonce []byte, err error) {
	return named(frame, OpInfo)
}

// ParseAuth returns ident and digest of an AUTH frame. The digest may have any length.
func ParseAuth(frame []byte) (ident, digest []byte, err error) {
	return named(frame, OpAuth)
}

// ParseSubscribe returns ident and channel of a SUBSCRIBE frame.
func ParseSubscribe(frame []byte) (ident, channel []byte, err error) {
	return named(frame, OpSubscribe)
}

// ParseUnsubscribe returns ident and channel of an UNSUBSCRIBE frame.
func ParseUnsubscribe(frame []byte) (ident, channel []byte, err error) {
	return named(frame, OpUnsubscribe)
}

// ParsePublish returns ident, channel and payload of a PUBLISH frame.
func ParsePublish(frame []byte) (ident, channel, payload []byte, err error) {
	ident, rest, err := named(frame, OpPublish)
	if err != nil {
		return nil, nil, nil, err
	}
	channel, payload, err = cut(rest)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("%w: channel of a PUBLISH", err)
	}
	return ident, channel, payload, nil
}

func body(frame []byte, op byte) ([]byte, error) {
	if len(frame) < HeaderLen {
		return nil, fmt.Errorf("%w: %d bytes, want at least %d", ErrMalformed, len(frame), HeaderLen)
	}
	n, got := Header(frame)
	if int64(n) != int64(len(frame)) || got != op {
		return nil, fmt.Errorf("%w: length %d, opcode %d in a frame of %d bytes, want opcode %d",
			ErrMalformed, n, got, len(frame), op)
	}
	return frame[HeaderLen:], nil
}

func named(frame []byte, op byte) (name, rest []byte, err error) {
	b, err := body(frame, op)
	if err != nil {
		return nil, nil, err
	}
	name, rest, err = cut(b)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: first field of opcode %d", err, op)
	}
	return name, rest, nil
}

// cut takes a field with one byte of length off b.
func cut(b []byte) (field, rest []byte, err error) {
	if len(b) == 0 || int(b[0]) > len(b)-1 {
		return nil, nil, ErrMalformed
	}
	n := 1 + int(b[0])
	return b[1:n], b[n:], nil
}
