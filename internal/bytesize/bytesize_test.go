package bytesize

import (
	"strings"
	"testing"
)

func TestSizes(t *testing.T) {
	for in, want := range map[string]Size{
		"0": 0, "1048576": 1 << 20, "16MiB": 16 << 20, "16 mib": 16 << 20, "500MB": 500e6, "500M": 500e6, "1.5GiB": 3 << 29,
		"2k": 2000, "8Ki": 8192, "5B": 5,
	} {
		if got, err := Parse(in); err != nil || got != want {
			t.Errorf("%q is %d (%v), want %d", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", "MiB", "16 MiB 1", "-1", "-5MB", "1e9", "0x10", "16MiBps", "1,5GiB", "many", "16EiB", "\x1b[2J",
	} {
		if got, err := Parse(in); err == nil || !strings.Contains(err.Error(), Forms) {
			t.Errorf("%q is %d (%v), want an error with the forms", in, got, err)
		}
	}
}
