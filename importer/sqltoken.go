package importer

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

var errCutOff = errors.New("the dump ends in the middle of a statement")

// token is a word, a sign, or what stands between quotes, which may be empty. The end is an empty token without quotes.
type token struct {
	text   string
	quoted bool
}

// space steps over what means nothing.
func (d *dump) space() {
	for d.at < len(d.text) {
		rest := d.text[d.at:]
		switch {
		case strings.IndexByte(" \t\r\n", rest[0]) >= 0:
			d.at++
		case strings.HasPrefix(rest, "--"), d.mysql && rest[0] == '#', strings.HasPrefix(rest, `\`):
			d.until("\n") // psql's own commands, too
		case strings.HasPrefix(rest, "/*"):
			d.until("*/")
		default:
			return
		}
	}
}

func (d *dump) until(end string) {
	if i := strings.Index(d.text[d.at:], end); i >= 0 {
		d.at += i + len(end)
	} else {
		d.at = len(d.text)
	}
}

// peek is the first byte of the next token; 0 at the end.
func (d *dump) peek() byte {
	if d.space(); d.at < len(d.text) {
		return d.text[d.at]
	}
	return 0
}

// word is the next token if it is a word.
func (d *dump) word() string {
	t, err := d.token()
	if err != nil || t.quoted {
		return "?"
	}
	return t.text
}

func (d *dump) token() (token, error) {
	switch c := d.peek(); c {
	case 0:
		return token{}, nil
	case '\'', '"', '`':
		text, err := d.quoted(c, d.mysql && c != '`')
		return token{text, true}, err
	case '(', ')', ',', ';', '.', '=':
		d.at++
		return token{string(c), false}, nil
	}
	n := strings.IndexAny(d.text[d.at:], " \t\r\n(),;'\"`")
	if n < 0 {
		n = len(d.text) - d.at
	}
	from := d.at
	d.at += max(n, 1)
	word := d.text[from:d.at]
	if i := strings.IndexByte(word, '.'); i > 0 && !strings.ContainsAny(word[:1], "-+0123456789") { // schema.table
		d.at = from + i
		word = word[:i]
	}
	return token{word, false}, nil
}

// quoted reads what stands between quotes; two of them are one.
func (d *dump) quoted(quote byte, escapes bool) (string, error) {
	var b strings.Builder
	for i := d.at + 1; i < len(d.text); i++ {
		switch c := d.text[i]; {
		case c == quote && i+1 < len(d.text) && d.text[i+1] == quote:
			b.WriteByte(c)
			i++
		case c == quote:
			d.at = i + 1
			return b.String(), nil
		case c == '\\' && escapes && i+1 < len(d.text):
			i++
			b.WriteString(escaped(d.text[i]))
		default:
			b.WriteByte(c)
		}
	}
	return "", fmt.Errorf("a quote has no end: %w", errCutOff)
}

// escaped is what a character behind a \ stands for.
func escaped(c byte) string {
	if i := strings.IndexByte("0bnrtZvf", c); i >= 0 {
		return string("\x00\b\n\r\t\x1a\v\f"[i])
	}
	return string([]byte{c})
}

// unescape reads a field of COPY.
func unescape(field string) string {
	if !strings.Contains(field, `\`) {
		return field
	}
	var b strings.Builder
	for i := 0; i < len(field); i++ {
		if field[i] == '\\' && i+1 < len(field) {
			i++
			b.WriteString(escaped(field[i]))
		} else {
			b.WriteByte(field[i])
		}
	}
	return b.String()
}

// value reads a value of a row: nil, a string, a number as its text does not matter, or a blob.
func (d *dump) value() (any, error) {
	t, err := d.token()
	if err != nil || t.quoted {
		return t.text, err
	}
	switch upper := strings.ToUpper(t.text); {
	case upper == "NULL":
		return nil, nil
	case upper == "E" && d.at < len(d.text) && d.text[d.at] == '\'': // PostgreSQL
		return d.quoted('\'', true)
	case strings.HasPrefix(upper, "_") || upper == "N": // MySQL: _binary 'text', N'text'
		return d.value()
	case upper == "X" && d.at < len(d.text) && d.text[d.at] == '\'':
		text, err := d.quoted('\'', false)
		if err != nil {
			return nil, err
		}
		return hex.DecodeString(text)
	}
	if n, err := strconv.ParseInt(t.text, 10, 64); err == nil {
		return n, nil
	}
	if f, err := strconv.ParseFloat(t.text, 64); err == nil {
		return f, nil
	}
	return nil, fmt.Errorf("%q is no value that can be read", clip(t.text))
}
