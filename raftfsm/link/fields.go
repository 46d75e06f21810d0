package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A message of the join handshake is a length (u32) and that many bytes of fields, each of them a length (u32) and
// bytes.
const (
	maxJoinRequest = 4 << 10
	maxJoinAnswer  = 1 << 20
)

var errFields = errors.New("link: malformed join message")

func appendField[T ~string | ~[]byte](b []byte, field T) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(field))), field...)
}

func writeMessage(w io.Writer, fields []byte) error {
	_, err := w.Write(appendField(nil, fields))
	return err
}

// readMessage reads the fields of a message, at most limit bytes.
func readMessage(r io.Reader, limit int) (fields, error) {
	var b [4]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(b[:])
	if size > uint32(limit) {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", errFields, size, limit)
	}
	return readPayload(r, int(size))
}

// fields is what is left of a message.
type fields []byte

// next takes the first field.
func (f *fields) next() ([]byte, error) {
	b := *f
	if len(b) < 4 {
		return nil, fmt.Errorf("%w: a field is missing", errFields)
	}
	size := binary.BigEndian.Uint32(b)
	if b = b[4:]; uint64(size) > uint64(len(b)) {
		return nil, fmt.Errorf("%w: a field of %d bytes, %d are left", errFields, size, len(b))
	}
	*f = b[size:]
	return b[:size:size], nil
}

// take takes exactly as many fields as there are places.
func (f *fields) take(places ...*[]byte) (err error) {
	for _, place := range places {
		if *place, err = f.next(); err != nil {
			return err
		}
	}
	if len(*f) > 0 {
		return fmt.Errorf("%w: %d bytes too many", errFields, len(*f))
	}
	return nil
}
