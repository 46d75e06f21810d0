package graph

import "strings"

// Pattern selects channels: an exact name, or a prefix followed by "*".
type Pattern string

// Audit among the subscribe patterns of an authkey grants it the audit's channel. No other pattern does.
const Audit Pattern = "$audit"

// MaxName is the greatest length, in bytes, of a channel, a pattern and an ident: the wire has one byte for it.
const MaxName = 255

// ParsePattern checks s and returns it as a Pattern. Errors are ErrInvalid.
func ParsePattern(s string) (Pattern, error) {
	p := Pattern(s)
	return p, p.Validate()
}

// Validate refuses what is not a pattern: 1 to 255 bytes of text, not beginning with "$", "*" only at the end.
func (p Pattern) Validate() error {
	s := string(p)
	if err := checkName("pattern", s); err != nil {
		return err
	}
	if strings.HasPrefix(s, "$") {
		return refuse(Invalid, "choose another name", "pattern %q begins with $, which is reserved", s)
	}
	if i := strings.IndexByte(s, '*'); i >= 0 && i != len(s)-1 {
		return refuse(Invalid, "write an exact channel, or a prefix followed by *", "pattern %q has a * before its end", s)
	}
	return nil
}

// IsPrefix reports whether p stands for all channels that begin alike.
func (p Pattern) IsPrefix() bool { return strings.HasSuffix(string(p), "*") }

// Match reports whether p selects channel. No pattern selects a reserved channel.
func (p Pattern) Match(channel string) bool {
	if !p.IsPrefix() {
		return string(p) == channel && channel != ""
	}
	return strings.HasPrefix(channel, string(p[:len(p)-1])) && !strings.HasPrefix(channel, "$") && channel != ""
}

// Covers reports whether p selects every channel that q selects.
func (p Pattern) Covers(q Pattern) bool {
	if !q.IsPrefix() {
		return p.Match(string(q))
	}
	return p.IsPrefix() && strings.HasPrefix(string(q), string(p[:len(p)-1]))
}

// Meets reports whether p selects a channel that begins with prefix.
func (p Pattern) Meets(prefix string) bool {
	own, _ := strings.CutSuffix(string(p), "*")
	return strings.HasPrefix(own, prefix) || p.IsPrefix() && strings.HasPrefix(prefix, own)
}

func anyCovers(patterns []Pattern, q Pattern) bool {
	for _, p := range patterns {
		if p.Covers(q) {
			return true
		}
	}
	return false
}
