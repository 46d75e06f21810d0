package program

import (
	"io"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"hpfriends/internal/cmdline"
)

func TestFlagsMayStandAnywhere(t *testing.T) {
	app := newApp(io.Discard, io.Discard)
	for in, want := range map[string]string{
		"share add c --as ada --to bob":                    "share add --as ada --to bob -- c",
		"--data-dir D share --as ada add c --to bob":       "share add --data-dir D --as ada --to bob -- c",
		"share add --to=bob c":                             "share add --to=bob -- c",
		"authkey add --pub a,b --pub -x --sub *":           "authkey add --pub a,b --pub -x --sub *",
		"share add -- --to --as":                           "share add -- --to --as",
		"authkey show --reveal k --json":                   "authkey show --reveal --json -- k",
		"user show user":                                   "user show -- user",
		"user add -":                                       "user add -- -",
		"log tail --key k":                                 "log tail --key k",
		"user list --json":                                 "user list --json",
		"explain --from a --to b -c x --json --data-dir D": "explain --from a --to b -c x --json --data-dir D",
		"help":                              "--help",
		"help share add":                    "share add --help",
		"share help add":                    "share add --help",
		"user show help":                    "user show --help",
		"user show -- help":                 "user show -- help",
		"user show ada --help":              "user show --help",
		"help user show ada":                "user show --help",
		"help bogus":                        "-- bogus",
		"user bogus --as ada":               "user -- bogus",
		"user passwd ada --password-file -": "user passwd --password-file - -- ada",
		"import f --partial -c x":           "import --partial -c x -- f",
		"import hpfeeds --json f --dry-run": "import hpfeeds --json f --dry-run",
		"import -- hpfeeds --json":          "import -- hpfeeds --json",
		"user ls --json x":                  "user ls --json -- x",
		"--json user show ada":              "user show --json -- ada",
		"":                                  "",
	} {
		got := strings.Join(cmdline.Arrange(app, append([]string{"hpfriends"}, strings.Fields(in)...))[1:], " ")
		if got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

// Flags may stand before their command where no name is a switch in one and takes a value in another. The exception is
// import hpfeeds, which has --json FILE.
func TestFlagNamesMeanOneThing(t *testing.T) {
	takes, where := make(map[string]bool), make(map[string]string)
	seen := 0
	var walk func(path string, commands []*cli.Command)
	check := func(path string, flags []cli.Flag) {
		for _, f := range flags {
			v, ok := f.(cli.DocGenerationFlag)
			if !ok {
				t.Errorf("%s: flag %v does not say whether it takes a value", path, f.Names())
				continue
			}
			for _, n := range f.Names() {
				seen++
				if path == "import hpfeeds" && n == "json" {
					continue
				}
				if old, known := where[n]; known && takes[n] != v.TakesValue() {
					t.Errorf("--%s takes a value in one of %q and %q only", n, old, path)
				}
				takes[n], where[n] = v.TakesValue(), path
			}
		}
	}
	walk = func(path string, commands []*cli.Command) {
		for _, c := range commands {
			check(path+c.Name, c.Flags)
			walk(path+c.Name+" ", c.Subcommands)
		}
	}
	app := newApp(io.Discard, io.Discard)
	check("", app.Flags)
	walk("", app.Commands)
	if seen < 100 {
		t.Errorf("%d flags: this test looks at too little", seen)
	}
}

// Whatever is typed: no argument is lost, and none that is an argument becomes a flag.
func FuzzArrange(f *testing.F) {
	for _, s := range []string{"share add c --as ada --to bob", "--data-dir D user ls", "a -- --b", "--to", "-", "-- --"} {
		f.Add(s)
	}
	app := newApp(io.Discard, io.Discard)
	f.Fuzz(func(t *testing.T, line string) {
		in := append([]string{"hpfriends"}, strings.Fields(line)...)
		out := cmdline.Arrange(app, in)
		if again := cmdline.Arrange(app, out); strings.Join(again, "\x00") != strings.Join(out, "\x00") {
			t.Fatalf("%q: %q, and arranged again %q", line, out, again)
		}
		for i, a := range in {
			if a != "--" {
				continue
			}
			tail := in[i+1:]
			if takesDash(in[:i]) { // a flag has taken it for its value
				continue
			}
			if got := out[len(out)-len(tail):]; strings.Join(got, "\x00") != strings.Join(tail, "\x00") {
				t.Fatalf("%q: what is after -- must stay: %q", line, out)
			}
			break
		}
	})
}

// takesDash is whether the last word may be a flag that waits for its value.
func takesDash(words []string) bool {
	last := words[len(words)-1]
	return strings.HasPrefix(last, "-") && last != "-" && !strings.Contains(last, "=")
}
