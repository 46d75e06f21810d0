package graph

import (
	"strings"
	"unicode/utf8"
)

// Limits of free text, in bytes.
const (
	maxHandle   = 64
	maxGroup    = 64
	maxText     = 1024 // display names, comments, notes, password hashes
	maxSecret   = 4096 // sealed
	maxPatterns = 256  // of one authkey, each way
	maxNetworks = 256
)

// ValidateChannel refuses what cannot be the channel of a message: 1 to 255 bytes, not beginning with "$", without "*".
// The bytes need not be text. Errors are ErrInvalid.
func ValidateChannel(s string) error {
	switch {
	case s == "":
		return refuse(Invalid, "name a channel", "the channel is empty")
	case len(s) > MaxName:
		return refuse(Invalid, "use at most 255 bytes", "the channel's name has %d bytes", len(s))
	case s[0] == '$':
		return refuse(Invalid, "choose another name", "channel %q begins with $, which is reserved", s)
	case strings.Contains(s, "*"):
		return refuse(Invalid, "choose another name", "channel %q contains *, which stands for many channels", s)
	}
	return nil
}

// ValidateHandle refuses what cannot be a user's handle: 1 to 64 of the letters a-z and A-Z, digits and . _ - + @,
// beginning with a letter or digit. Errors are ErrInvalid.
func ValidateHandle(s string) error {
	ok := s != "" && len(s) <= maxHandle && alphanumeric(s[0])
	for i := 0; ok && i < len(s); i++ {
		ok = alphanumeric(s[i]) || strings.IndexByte("._-+@", s[i]) >= 0
	}
	if !ok {
		const hint = "use 1 to 64 letters, digits and . _ - + @, a letter or digit first"
		return refuse(Invalid, hint, "%q cannot be a handle", Clip(s))
	}
	return nil
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// ValidateIdent refuses what cannot be an authkey's ident: 1 to 255 bytes of text without control characters. Its
// content means nothing to the broker. Errors are ErrInvalid.
func ValidateIdent(s string) error { return checkName("ident", s) }

// ValidateGroupName refuses what cannot be a group's name: 1 to 64 bytes of text without control characters, not dots
// only, without a space at either end, not beginning with "group:". Errors are ErrInvalid.
func ValidateGroupName(s string) error {
	if err := checkName("group name", s); err != nil {
		return err
	}
	if len(s) > maxGroup {
		return refuse(Invalid, "use at most 64 bytes", "the group's name has %d bytes", len(s))
	}
	if s[0] == ' ' || s[len(s)-1] == ' ' || strings.Trim(s, ".") == "" || strings.HasPrefix(s, "group:") {
		return refuse(Invalid, "not only dots, no space at an end, no group: before it", "%q cannot be a group's name", s)
	}
	return nil
}

func checkName(what, s string) error {
	if s == "" {
		return refuse(Invalid, "use 1 to 255 bytes", "the %s is empty", what)
	}
	return checkText(what, s, MaxName)
}

// checkText refuses text that is too long, or that would show as something else than it is. The characters are listed
// here and not asked of package unicode, whose tables differ between Go releases: nodes must decide alike. U+FFFD is
// among them because it is what JSON makes of bytes that are not UTF-8.
func checkText(what, s string, limit int) error {
	if len(s) > limit {
		return refuse(Invalid, "shorten it", "the %s has %d bytes, at most %d are allowed", what, len(s), limit)
	}
	if !utf8.ValidString(s) {
		return refuse(Invalid, "write it in UTF-8", "the %s %q is not UTF-8 text", what, Clip(s))
	}
	for _, r := range s {
		switch {
		case r < 0x20, 0x7f <= r && r < 0xa0, // C0, DEL, C1
			0x200b <= r && r <= 0x200f, 0x2028 <= r && r <= 0x202e, 0x2060 <= r && r <= 0x2069, // invisible, direction
			r == 0xfeff, r == 0xfffd, 0xfff9 <= r && r <= 0xfffb:
			return refuse(Invalid, "remove it", "the %s %q contains the control character %U", what, Clip(s), r)
		}
	}
	return nil
}

// Clip returns what an error message shows of a value that somebody sent: at most 80 bytes of it.
func Clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "..."
	}
	return s
}

// fold makes names that differ in the case of a-z only equal.
func fold(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if 'A' <= b[i] && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
