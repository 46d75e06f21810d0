package operate

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	urfave "github.com/urfave/cli/v2"

	"hpfriends/cmd/hpfriends/cli"
)

// run runs a command line of this package's commands.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	app := &urfave.App{
		Name: "hpfriends", Writer: &out, ErrWriter: &out, Commands: []*urfave.Command{Config(), Init(), Doctor(), Debug()},
		DisableSliceFlagSeparator: true, ExitErrHandler: func(*urfave.Context, error) {},
	}
	err := app.Run(append([]string{"hpfriends"}, args...))
	return out.String(), err
}

// With every # in front of a setting taken away, the example says what is so without it: for each setting, and for no
// other.
func TestExampleOfSettingsIsTheDefaults(t *testing.T) {
	text, err := run(t, "config", "example")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "example.yaml")
	used := regexp.MustCompile(`(?m)^#([a-z]|    -)`).ReplaceAllString(text, "$1")
	if err := os.WriteFile(path, []byte(used), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range cli.SettingNames {
		if !strings.Contains(used, "\n"+name+":") {
			t.Errorf("no %s in the example", name)
		}
	}
	if n := len(regexp.MustCompile(`(?m)^[a-z]`).FindAllString(used, -1)); n != len(cli.SettingNames) {
		t.Errorf("%d settings in the example, want %d", n, len(cli.SettingNames))
	}
	if _, err := run(t, "config", "validate", path); err != nil {
		t.Errorf("the example with all defaults: %v", err)
	}
	want, err := run(t, "config", "view", "--json")
	if err != nil {
		t.Fatal(err)
	}
	for what, file := range map[string]string{"as printed": text, "with all defaults": used} {
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := run(t, "config", "view", "--config", path, "--json")
		if got = strings.ReplaceAll(got, "[]", "null"); err != nil || got != want {
			t.Errorf("%s, in force is %s (%v), want %s", what, got, err, want)
		}
	}
	for _, line := range strings.Split(text, "\n") {
		if line != "" && line[0] != '#' {
			t.Errorf("the example sets something: %s", line)
		}
	}
}

func TestUnknownSettingHasItsLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte("# a comment\nname: x\nhpfeeds:\n  - tcp\nhtpp: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := run(t, "config", "validate", path)
	if want := path + `:5: there is no setting "htpp" (did you mean http?)`; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}
