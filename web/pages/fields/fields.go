// Package fields reads and writes what fields of forms hold more than one of. It is pure.
package fields

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"hpfriends/graph"
)

// Trim takes away the blanks around what people type and none can belong to: the keyboard of a telephone adds them.
func Trim(form url.Values) {
	for _, name := range []string{"to", "user", "name", "zone", "expires", "uses", "most", "overlap"} {
		for i, v := range form[name] {
			form[name][i] = strings.TrimSpace(v)
		}
	}
}

// of cuts a text at commas, blanks and line ends.
func of(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(", \r\n\t", c) })
}

// Channels reads channels. It is never nil: JSON has [] for none.
func Channels(text string) []graph.Pattern {
	all := []graph.Pattern{}
	for _, f := range of(text) {
		all = append(all, graph.Pattern(f))
	}
	return all
}

// Written is how channels stand in a field.
func Written(channels []graph.Pattern) string {
	all := make([]string, len(channels))
	for i, p := range channels {
		all[i] = string(p)
	}
	return strings.Join(all, ", ")
}

// Networks reads networks and addresses. It is never nil.
func Networks(text string) ([]netip.Prefix, error) {
	all := []netip.Prefix{}
	for _, f := range of(text) {
		n, err := netip.ParsePrefix(f)
		if a, e := netip.ParseAddr(f); err != nil && e == nil {
			n, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("%q is no network: write 192.0.2.0/24 or 2001:db8::/32", f)
		}
		all = append(all, n)
	}
	return all, nil
}
