package view

import "testing"

// No cell begins a formula, neither here nor where a spreadsheet separates by semicolons.
func TestCellsHoldNoFormulas(t *testing.T) {
	for s, want := range map[string]string{
		"=1+1": "'=1+1", "a;=1+1": "a;'=1+1", `a; "@x;-1`: `a; "'@x;'-1`, "a\t+1": `a\t+1`, "＝1;＋2": "'＝1;'＋2",
		"a=1": "a=1", "a; b-c;": "a; b-c;", "": "",
	} {
		if got := harmless(s); got != want {
			t.Errorf("%q is %q, want %q", s, got, want)
		}
	}
}
