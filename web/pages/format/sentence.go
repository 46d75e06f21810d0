package format

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sentence writes a refusal as people write it. Refusals are the same for pages, API and command line, where they are
// part of a line; a first word that is not of plain letters is a name, and stays as it is.
func Sentence(v any) string {
	text := Visible(v)
	first, _, _ := strings.Cut(text, " ")
	if word := strings.TrimRight(first, ":,'"); word != "" && strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") == "" {
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	last := strings.TrimRight(text[strings.LastIndex(text, " ")+1:], `)"'`+"`")
	r, _ := utf8.DecodeLastRuneInString(last)
	if unicode.IsLetter(r) || unicode.IsDigit(r) && !strings.Contains(last, "/") { // of a network, which is copied
		text += "."
	}
	return text
}
