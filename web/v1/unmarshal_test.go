package v1

import (
	"strings"
	"testing"

	"hpfriends/internal/ndjson"
)

// A password that is read as another one would be set, and never match; of a key that is there twice the last would
// win.
func TestBodyThatWouldBeAlteredIsRefused(t *testing.T) {
	for body, want := range map[string]string{
		`{"password":"password\ud800"}`:         ndjson.ErrInexact.Error(),
		"{\"password\":\"password\xff\"}":       ndjson.ErrInexact.Error(),
		`{"role":"member","role":"admin"}`:      `the keys "role" and "role"`,
		`{"role":"member","\u0052ole":"admin"}`: `the keys "role" and "Role"`,
		`{"a":[{"b":1},{"b":1,"b":2}]}`:         `the keys "b" and "b"`,
		"\ufeff{}":                              "byte order mark",
	} {
		var in any
		if err := unmarshal([]byte(body), &in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is read as %q (%v), want %s", body, in, err, want)
		}
	}
}
