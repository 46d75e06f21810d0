// Package match says how well text is found in the fields of an object. It is pure.
//
// Case is folded rune by rune, as strings.EqualFold does; bytes that are not UTF-8 match themselves.
package match

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"hpfriends/graph"
)

// Grade is how well text matches; less is better.
type Grade int

const (
	Exact     Grade = iota // a field is the word
	Prefix                 // a field begins with it
	WordStart              // a word of a field begins with it
	Within                 // it is somewhere in a field
	Nowhere
)

// Words are the words that are searched for, folded.
type Words struct {
	whole string
	words []string
}

// Limits of a search's text.
const (
	maxText  = 512 // bytes
	maxWords = 16
)

// New reads the words of a text; its errors are *graph.Error.
func New(text string) (Words, error) {
	if len(text) > maxText {
		return Words{}, refuse("shorten it", "the text has %d bytes, at most %d are allowed", len(text), maxText)
	}
	words := strings.Fields(fold(text))
	if len(words) == 0 {
		return Words{}, refuse("name a word", "there is nothing to search for")
	}
	if len(words) > maxWords {
		return Words{}, refuse("use fewer", "%d words, at most %d are allowed", len(words), maxWords)
	}
	return Words{strings.Join(words, " "), words}, nil
}

// Match grades an object by its fields. The text as a whole counts as one word if that is better; otherwise the object
// is as good as its worst word.
func (m *Words) Match(fields ...string) Grade {
	var few [8]Grade
	grades := few[:0] // of each word, and of the whole
	for range len(m.words) + 1 {
		grades = append(grades, Nowhere)
	}
	var room [256]byte // a search folds as many fields as there are objects
	folded := room[:0]
	for _, f := range fields {
		folded = appendFolded(folded[:0], f)
		for i, w := range m.words {
			grades[i] = min(grades[i], gradeOf(w, folded))
		}
		if len(m.words) > 1 {
			grades[len(m.words)] = min(grades[len(m.words)], gradeOf(m.whole, folded))
		}
	}
	if worst := slices.Max(grades[:len(m.words)]); worst < Nowhere {
		return min(worst, grades[len(m.words)])
	}
	return Nowhere
}

// gradeOf grades one folded word in one folded field.
func gradeOf(word string, field []byte) Grade {
	at := index(field, word)
	switch {
	case at < 0:
		return Nowhere
	case at == 0 && len(word) == len(field):
		return Exact
	case at == 0:
		return Prefix
	}
	for {
		before, _ := utf8.DecodeLastRune(field[:at])
		if !unicode.IsLetter(before) && !unicode.IsDigit(before) {
			return WordStart
		}
		next := index(field[at+1:], word)
		if next < 0 {
			return Within
		}
		at += 1 + next
	}
}

// index is where a word begins in a field; -1: nowhere. The compiler copies no short word.
func index(field []byte, word string) int { return bytes.Index(field, []byte(word)) }

// fold maps text to what it has in common with the same text in another case. Bytes that are not UTF-8 stay as they
// are.
func fold(s string) string { return string(appendFolded(make([]byte, 0, len(s)), s)) }

func appendFolded(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf { // foldRune of ASCII, quickly
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
			b = append(b, c)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			b = append(b, s[i])
		} else {
			b = utf8.AppendRune(b, foldRune(r))
		}
		i += n
	}
	return b
}

// foldRune is the smallest rune that differs from r in case only: for ASCII that is the capital letter.
func foldRune(r rune) rune {
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	return least
}

func refuse(hint, format string, args ...any) error {
	return &graph.Error{Code: graph.Invalid, Msg: fmt.Sprintf(format, args...), Hint: hint}
}
