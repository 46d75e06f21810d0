// Package match says how well text is found in the fields of an object. It is pure.
//
// Case is folded rune by rune, as strings.EqualFold does; bytes that are not UTF-8 match themselves.
package match

import (
	"fmt"
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
	for i := range fields {
		fields[i] = fold(fields[i])
	}
	worst := Exact
	for _, w := range m.words {
		if worst = max(worst, best(w, fields)); worst == Nowhere {
			return Nowhere
		}
	}
	return min(worst, best(m.whole, fields))
}

func best(word string, fields []string) Grade {
	g := Nowhere
	for _, f := range fields {
		g = min(g, gradeOf(word, f))
	}
	return g
}

// gradeOf grades one folded word in one folded field.
func gradeOf(word, field string) Grade {
	at := strings.Index(field, word)
	switch {
	case at < 0:
		return Nowhere
	case at == 0 && len(word) == len(field):
		return Exact
	case at == 0:
		return Prefix
	}
	for {
		before, _ := utf8.DecodeLastRuneInString(field[:at])
		if !unicode.IsLetter(before) && !unicode.IsDigit(before) {
			return WordStart
		}
		next := strings.Index(field[at+1:], word)
		if next < 0 {
			return Within
		}
		at += 1 + next
	}
}

// fold maps text to what it has in common with the same text in another case. Bytes that are not UTF-8 stay as they
// are.
func fold(s string) string {
	b := make([]byte, 0, len(s))
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
	return string(b)
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
