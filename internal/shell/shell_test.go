package shell

import "testing"

// TestQuoteShowsHostileNamesHarmlessly to a shell and to a terminal.
func TestQuoteShowsHostileNamesHarmlessly(t *testing.T) {
	for in, want := range map[string]string{
		"a.b-c": "a.b-c", "": "''", "a b": "'a b'", "$(rm)": "'$(rm)'", "a'b": `'a'\''b'`, "\x1b]0;x\a": `'\x1b]0;x\x07'`,
		"#1": "'#1'", "-rf": "-rf", "*": "'*'", "\u009b1m": `'\x9b1m'`,
	} {
		if got := Quote(in); got != want {
			t.Errorf("Quote(%q) = %s, want %s", in, got, want)
		}
	}
}
