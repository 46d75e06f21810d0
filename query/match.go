package query

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"hpfriends/graph"
)

// grade is how well text matches; less is better.
type grade int

const (
	exact     grade = iota // a field is the word
	prefix                 // a field begins with it
	wordStart              // a word of a field begins with it
	within                 // it is somewhere in a field
	nowhere
)

// matcher holds the words that are searched for, folded.
type matcher struct {
	whole string
	words []string
}

// Limits of a search's text.
const (
	maxSearchText  = 512 // bytes
	maxSearchWords = 16
)

func newMatcher(text string) (matcher, error) {
	if len(text) > maxSearchText {
		return matcher{}, refuse(graph.Invalid, "shorten it",
			"the text has %d bytes, at most %d are allowed", len(text), maxSearchText)
	}
	words := strings.Fields(fold(text))
	if len(words) == 0 {
		return matcher{}, refuse(graph.Invalid, "name a word", "there is nothing to search for")
	}
	if len(words) > maxSearchWords {
		return matcher{}, refuse(graph.Invalid, "use fewer", "%d words, at most %d are allowed", len(words), maxSearchWords)
	}
	return matcher{strings.Join(words, " "), words}, nil
}

// match grades an object by its fields. The text as a whole counts as one word if that is better; otherwise the object
// is as good as its worst word.
func (m *matcher) match(fields ...string) grade {
	for i := range fields {
		fields[i] = fold(fields[i])
	}
	worst := exact
	for _, w := range m.words {
		if worst = max(worst, best(w, fields)); worst == nowhere {
			return nowhere
		}
	}
	return min(worst, best(m.whole, fields))
}

func best(word string, fields []string) grade {
	g := nowhere
	for _, f := range fields {
		g = min(g, gradeOf(word, f))
	}
	return g
}

// gradeOf grades one folded word in one folded field.
func gradeOf(word, field string) grade {
	at := strings.Index(field, word)
	switch {
	case at < 0:
		return nowhere
	case at == 0 && len(word) == len(field):
		return exact
	case at == 0:
		return prefix
	}
	for {
		before, _ := utf8.DecodeLastRuneInString(field[:at])
		if !unicode.IsLetter(before) && !unicode.IsDigit(before) {
			return wordStart
		}
		next := strings.Index(field[at+1:], word)
		if next < 0 {
			return within
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
