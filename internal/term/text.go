package term

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
)

// Count is how many there are, with their name: 1 entry, 2 entries.
func Count[N int | uint32 | uint64](n N, one, many string) string {
	if n == 1 {
		many = one
	}
	return fmt.Sprint(n, " ", many)
}

// AppendVisible appends b with every control character, invisible or direction-changing character and invalid byte made
// visible as an escape of Go. Characters in keep stay as they are.
func AppendVisible(dst, b []byte, keep string) []byte {
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && size == 1:
			dst = fmt.Appendf(dst, `\x%02x`, b[0])
		case strconv.IsPrint(r) || contains(keep, r):
			dst = append(dst, b[:size]...)
		default:
			quoted := strconv.AppendQuoteRuneToASCII(nil, r)
			dst = append(dst, quoted[1:len(quoted)-1]...)
		}
		b = b[size:]
	}
	return dst
}

func contains(set string, r rune) bool {
	for _, s := range set {
		if s == r {
			return true
		}
	}
	return false
}

// Visible is appendVisible for one line of text.
func Visible(s string) string { return string(AppendVisible(nil, []byte(s), "")) }

// shortName is how many characters of a name a table shows.
const shortName = 40

// Short is a name in a cell, for one that strangers have made up: of a long one the beginning and "…", so that it does
// not widen every row. --json has it whole.
func Short(name string) string {
	name = Visible(name)
	n := 0
	for i := range name {
		if n++; n > shortName {
			return name[:i] + "…"
		}
	}
	return name
}

// AppendWord appends a name so that it is one word: a space in it becomes visible too.
func AppendWord(dst []byte, name string) []byte {
	for _, b := range AppendVisible(nil, []byte(name), "") {
		if b == ' ' {
			dst = append(dst, `\x20`...)
		} else {
			dst = append(dst, b)
		}
	}
	return dst
}

// Known is how v is shown, or a question mark for what is not known.
func Known[T any](v *T, show func(T) string) string {
	if v == nil {
		return "?"
	}
	return show(*v)
}

// Size is how many bytes there are; 0 is told by who does not know.
func Size(bytes uint64) string {
	if bytes == 0 {
		return "?"
	}
	return humanize.IBytes(bytes)
}

// Rate is how much goes through a second.
func Rate(messages, bytes float64) string {
	return fmt.Sprintf("%.1f/s, %s/s", messages, humanize.IBytes(uint64(bytes)))
}
