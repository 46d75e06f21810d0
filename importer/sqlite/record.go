package sqlite

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf16"
	"unicode/utf8"
)

// Encodings of text.
const utf8Text, utf16leText, utf16beText = 1, 2, 3

// record decodes a row (2.1): the types of its values, then the values.
func (d *Database) record(b []byte) (values []any, err error) {
	size, rest, ok := varint(b)
	if !ok || size > uint64(len(b)) || int(size) < len(b)-len(rest) {
		return nil, fmt.Errorf("%w: a row without its types", ErrDamaged)
	}
	types, content := b[len(b)-len(rest):size], b[size:]
	for len(types) > 0 {
		var kind uint64
		if kind, types, ok = varint(types); !ok {
			return nil, fmt.Errorf("%w: the types of a row are cut off", ErrDamaged)
		}
		n := contentSize(kind)
		if n > uint64(len(content)) {
			return nil, fmt.Errorf("%w: the values of a row are cut off", ErrDamaged)
		}
		values = append(values, d.value(kind, content[:n]))
		content = content[n:]
	}
	return values, nil
}

func contentSize(kind uint64) uint64 {
	if kind < 12 {
		return [...]uint64{0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0}[kind]
	}
	return (kind - 12) / 2
}

func (d *Database) value(kind uint64, b []byte) any {
	switch {
	case kind == 0, kind == 10, kind == 11:
		return nil
	case kind == 8, kind == 9:
		return int64(kind - 8)
	case kind == 7:
		return math.Float64frombits(binary.BigEndian.Uint64(b))
	case kind < 7:
		v := int64(int8(b[0]))
		for _, next := range b[1:] {
			v = v<<8 | int64(next)
		}
		return v
	case kind%2 == 0:
		return append([]byte{}, b...)
	}
	return d.text(b)
}

func (d *Database) text(b []byte) any {
	if d.encoding != utf8Text {
		b = fromUTF16(b, d.encoding == utf16beText)
	}
	if !utf8.Valid(b) {
		return append([]byte{}, b...)
	}
	return string(b)
}

func fromUTF16(b []byte, big bool) []byte {
	word := binary.LittleEndian.Uint16
	if big {
		word = binary.BigEndian.Uint16
	}
	var units []uint16
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, word(b))
	}
	return []byte(string(utf16.Decode(units)))
}
