// Package shell writes commands for people to copy into a POSIX shell.
package shell

import (
	"fmt"
	"strings"
)

// Command is a program with its subcommands, as they are, and words that are others' choice, and so are quoted.
func Command(verb string, words ...string) string {
	all := []string{verb}
	for _, w := range words {
		all = append(all, Quote(w))
	}
	return strings.Join(all, " ")
}

// Quote returns a word as a POSIX shell reads it. Control characters are made visible, so it is safe to print too.
func Quote(word string) string {
	plain := word != ""
	for i := 0; i < len(word) && plain; i++ {
		plain = alphanumeric(word[i]) || strings.IndexByte("._-+@/:#,", word[i]) >= 0 && (i > 0 || word[i] != '#')
	}
	if plain {
		return word
	}
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range word {
		switch {
		case r == '\'':
			b.WriteString(`'\''`)
		case r < 0x20 || 0x7f <= r && r < 0xa0:
			fmt.Fprintf(&b, "\\x%02x", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('\'')
	return b.String()
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
