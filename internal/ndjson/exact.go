package ndjson

import (
	"bytes"
	"encoding/hex"
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

// ErrInexact is why JSON is refused that encoding/json would read as something else.
var ErrInexact = errors.New("text that is not UTF-8, or half of a surrogate pair: it cannot be read without changing " +
	"it (bytes that are not text belong into base64)")

// exact refuses JSON whose strings encoding/json would alter without a word: it reads U+FFFD for bytes that are not
// UTF-8, and for an escaped half of a surrogate pair. What is no JSON at all is not its concern.
func exact(b []byte) error {
	if !utf8.Valid(b) {
		return ErrInexact
	}
	for i := bytes.IndexByte(b, '\\'); i >= 0 && i < len(b); {
		unit, escaped := codeUnit(b[i:])
		switch {
		case !escaped:
			i += 2
		case !utf16.IsSurrogate(unit):
			i += 6
		default:
			second, _ := codeUnit(b[min(i+6, len(b)):])
			if utf16.DecodeRune(unit, second) == utf8.RuneError {
				return ErrInexact
			}
			i += 12
		}
		next := bytes.IndexByte(b[min(i, len(b)):], '\\')
		if next < 0 {
			return nil
		}
		i += next
	}
	return nil
}

// codeUnit returns the code unit of an escape (\uXXXX) that b begins with.
func codeUnit(b []byte) (unit rune, ok bool) {
	var two [2]byte
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	if _, err := hex.Decode(two[:], b[2:6]); err != nil {
		return 0, false
	}
	return rune(two[0])<<8 | rune(two[1]), true
}
