package term

import (
	"strings"
	"testing"
)

// A name that strangers have made up does not widen a table, also where its characters are to be made visible.
func TestShort(t *testing.T) {
	for name, want := range map[string]string{
		"":                               "",
		"dionaea.capture":                "dionaea.capture",
		strings.Repeat("é", 40):          strings.Repeat("é", 40),
		strings.Repeat("é", 41):          strings.Repeat("é", 40) + "…",
		strings.Repeat("\x1b", 20):       strings.Repeat(`\x1b`, 10) + "…",
		strings.Repeat("c", 39) + "\xff": strings.Repeat("c", 39) + `\…`,
	} {
		if got := Short(name); got != want {
			t.Errorf("%q is shown as %q, want %q", name, got, want)
		}
	}
}
