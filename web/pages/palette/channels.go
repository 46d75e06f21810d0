package palette

import (
	"strings"

	"hpfriends/query/view"
)

// Channels suggests patterns for a field that takes one: the prefixes that several channels have, and each channel.
// What has characters that nobody can see or type is left out.
func Channels(all []view.Channel) (names []string) {
	var single []string
	prefixes := make(map[string]int)
	for _, c := range all {
		if view.Visible(c.Name) != c.Name {
			continue
		}
		single = append(single, c.Name)
		if before, _, ok := strings.Cut(c.Name, "."); ok && before != "" {
			if prefixes[before]++; prefixes[before] == 2 {
				names = append(names, before+".*")
			}
		}
	}
	return append(names, single...)
}
