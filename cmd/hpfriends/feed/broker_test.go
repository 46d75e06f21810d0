package feed

import (
	"strings"
	"testing"
)

func TestHostIsANameOrAnAddress(t *testing.T) {
	for in, want := range map[string]string{
		"broker.example": "broker.example", "192.0.2.1": "192.0.2.1", "::1": "::1", "[::1]": "::1",
		"[fe80::1%eth0]": "fe80::1%eth0",
	} {
		if got, err := hostOf(in); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"[::1]:10000", "broker.example:10000", "[::1", "::1]", "[broker.example]", "tcp://a"} {
		if got, err := hostOf(in); err == nil || !strings.Contains(err.Error(), "-p PORT") {
			t.Errorf("%s is %q (%v), want an error that says how", in, got, err)
		}
	}
}
