package yamlfault

import (
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// What package yaml says is text; this fails when an update of it says it otherwise.
func TestFaultsNameNoTypes(t *testing.T) {
	type one struct {
		Name string   `yaml:"name"`
		Age  uint16   `yaml:"age"`
		On   bool     `yaml:"on"`
		List []string `yaml:"list"`
	}
	for text, want := range map[string]string{
		"name: a\ncall: b\nage: x\n": "line 2: nothing is called \"call\" there; line 3: want a whole number, got \"x\"",
		"on: maybe\nlist: a\n":       "line 1: want true or false, got \"maybe\"; line 2: want a list, got \"a\"",
		"name: [a]\n":                "line 1: want text, got a list",
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
