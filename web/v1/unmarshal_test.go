package v1

import (
	"errors"
	"testing"

	"hpfriends/internal/ndjson"
)

// A password that is read as another one would be set, and never match.
func TestBodyThatWouldBeAlteredIsRefused(t *testing.T) {
	for _, body := range []string{`{"password":"password\ud800"}`, "{\"password\":\"password\xff\"}"} {
		var in any
		if err := unmarshal([]byte(body), &in); !errors.Is(err, ndjson.ErrInexact) {
			t.Errorf("%q is read as %q (%v)", body, in, err)
		}
	}
}
