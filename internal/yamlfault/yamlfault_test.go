package yamlfault

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

// What package yaml says is text; this fails when an update of it says it otherwise.
func TestFaultsNameNoTypes(t *testing.T) {
	type one struct {
		Name string   `yaml:"name"`
		Age  uint16   `yaml:"age"`
		On   bool     `yaml:"on"`
		List []string `yaml:"list"`

		Time *time.Time   `yaml:"time"`
		Net  netip.Prefix `yaml:"net"`
	}
	for text, want := range map[string]string{
		"name: a\ncall: b\nage: x\n": "line 2: nothing is called \"call\" there; line 3: want a whole number, got \"x\"",
		"on: maybe\nlist: a\n":       "line 1: want true or false, got \"maybe\"; line 2: want a list, got \"a\"",
		"name: [a]\n":                "line 1: want text, got a list",
		"time: to\"day\n":            "want a time like 2026-11-20T10:00:00Z, got \"to\\\"day\"",
		"net: 10.0.0.0/33\n":         "want a network like 10.0.0.0/8, got \"10.0.0.0/33\"",
		"- a\n":                      "line 1: want names with their values, got a list",
		"name: a\nage: 1\nname: b\n": "line 3: \"name\" is on line 1 already",
		"name: [\n":                  "line 1: did not find expected node content",
		"name: \"a\n":                "line 2: found unexpected end of stream",
	} {
		dec := yaml.NewDecoder(strings.NewReader(text))
		dec.KnownFields(true)
		err := dec.Decode(new(one))
		if err == nil {
			t.Errorf("%q is taken", text)
			continue
		}
		if got := strings.ReplaceAll(Join(err).Error(), "\n", "; "); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
