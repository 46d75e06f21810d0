package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
	"unicode/utf8"

	"hpfriends/internal/ndjson"
	"hpfriends/wire"
)

// Everything in a message was chosen by somebody who may be an attacker: payload, channel and ident. What is printed as
// text therefore contains no byte that a terminal acts on, in whatever terminal it ends up.

// appendVisible appends b with every control character, invisible or direction-changing character and invalid byte made
// visible as an escape of Go. Characters in keep stay as they are.
func appendVisible(dst, b []byte, keep string) []byte {
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

// visible is appendVisible for one line of text.
func visible(s string) string { return string(appendVisible(nil, []byte(s), "")) }

// appendWord appends a name so that it is one word: a space in it becomes visible too.
func appendWord(dst []byte, name string) []byte {
	for _, b := range appendVisible(nil, []byte(name), "") {
		if b == ' ' {
			dst = append(dst, `\x20`...)
		} else {
			dst = append(dst, b)
		}
	}
	return dst
}

// format appends one message as it is printed.
type format func(dst []byte, m wire.Message, now time.Time) []byte

// formatText is one line: channel, ident and payload, separated by one space. The first two contain none.
func formatText(dst []byte, m wire.Message, _ time.Time) []byte {
	dst = append(appendWord(dst, m.Channel), ' ')
	dst = append(appendWord(dst, m.Ident), ' ')
	return append(appendVisible(dst, m.Payload, "\t"), '\n')
}

// formatRaw is the payload and nothing else.
func formatRaw(dst []byte, m wire.Message, _ time.Time) []byte { return append(dst, m.Payload...) }

// formatJSON is one line of JSON. The time is that of receiving.
func formatJSON(dst []byte, m wire.Message, now time.Time) []byte {
	return ndjson.Append(dst, ndjson.Message{Time: now, Channel: []byte(m.Channel), Ident: []byte(m.Ident), Payload: m.Payload})
}

// isTerminal is whether somebody may be looking at w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
