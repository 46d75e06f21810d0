// Package indicator knows what other messages about the same can be found by: addresses, and hashes of files. It is
// pure.
package indicator

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
)

// Indicator is an IP address, or the hash of a file.
type Indicator struct {
	forms  [][]byte // in which it stands in payloads
	colons bool     // it has some, so that one behind it may be a part of a longer address
}

// Parse reads an address that is of a host elsewhere, or what is as long as an MD5, SHA-1, SHA-256 or SHA-512 in
// hexadecimal. Anything else is no indicator.
func Parse(text string) (Indicator, bool) {
	switch len(text) {
	case 32, 40, 64, 128:
		if strings.Trim(text, "0123456789abcdefABCDEF") == "" {
			return of(text, strings.ToLower(text), strings.ToUpper(text)), true
		}
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" || a.IsUnspecified() || a.IsLoopback() {
		return Indicator{}, false
	}
	i := of(text, a.String(), strings.ToUpper(a.String()), a.StringExpanded())
	i.colons = a.Is6()
	return i, true
}

// of returns what is written in any of some forms.
func of(forms ...string) (i Indicator) {
	slices.Sort(forms)
	for _, f := range slices.Compact(forms) {
		i.forms = append(i.forms, []byte(f))
	}
	return i
}

// In reports whether a payload holds the indicator, and not as a part of a longer one: 192.0.2.1 is not in 192.0.2.10.
func (i Indicator) In(payload []byte) bool {
	for _, form := range i.forms {
		for from := 0; ; {
			at := bytes.Index(payload[from:], form)
			if at < 0 {
				break
			}
			at += from
			end := at + len(form)
			if !goesOn(payload, at-1, -1) && !goesOn(payload, end, +1) && !(i.colons && within(payload, at, end)) {
				return true
			}
			from = at + 1
		}
	}
	return false
}

// goesOn reports whether a word or an address goes on at an index, in a direction. A dot is a part of it if there is
// more behind; a colon is not: it is before a port.
func goesOn(b []byte, at, step int) bool {
	switch {
	case at < 0 || at >= len(b):
		return false
	case alphanumeric(b[at]):
		return true
	case b[at] == '.':
		return at+step >= 0 && at+step < len(b) && alphanumeric(b[at+step])
	}
	return false
}

// longest is how long an address is at most: the last 32 bits may stand in decimal.
const longest = len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")

// within reports whether an address of IPv6 from at to end is a part of a longer one: 2001:db8::1 is in 2001:db8::1:2.
// A number that cannot be a part of one is a port.
func within(b []byte, at, end int) bool {
	least, most := max(0, at-longest), min(len(b), end+longest)
	from, to := at, end
	for from > least && inAddress(b[from-1]) {
		from--
	}
	for to < most && inAddress(b[to]) {
		to++
	}
	for from < at && !alphanumeric(b[from]) && !bytes.HasPrefix(b[from:], []byte("::")) {
		from++
	}
	for to > end && !alphanumeric(b[to-1]) && !bytes.HasSuffix(b[:to], []byte("::")) {
		to--
	}
	if to-from == end-at {
		return false
	}
	_, err := netip.ParseAddr(string(b[from:to]))
	return err == nil
}

func inAddress(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' || c == ':' || c == '.'
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
