package program

import (
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"hpfriends/internal/bytesize"
	"hpfriends/internal/timespec"
)

// literals are what a kind of flag must take, what it must refuse, and what the refusal must list.
type literals struct {
	good, bad []string
	forms     string
}

// kindsOfLiteral are what the flags of all commands take that has a grammar, by the word in their help.
var kindsOfLiteral = map[string]literals{
	"DURATION": {
		[]string{"500ms", "1.5s", "90s", "1d", "2d12h", "1w"},
		[]string{"soon", "5", "-5s", "5 s", ""}, timespec.DurationForms,
	},
	"TIME": {
		[]string{"500ms", "1.5h", "2d12h", "today", "2026-11-20", "2026-11-20T14:30:05.123Z", "@1763647805", "1763647805123"},
		[]string{"soon", "5", "0", "-2h", ""}, timespec.Forms,
	},
	"SIZE":  {[]string{"0", "1048576", "16MiB", "1.5 GB"}, []string{"large", "-1", "16MiX", "1,5MB"}, bytesize.Forms},
	"WHEN":  {[]string{"#812", "812.0", "1.5h", "today", "1763647805123"}, []string{"soon", "-2h", ""}, timespec.Forms},
	"PLACE": {[]string{"first", "now", "#812.4", "1.5h", "1763647805123"}, []string{"soon", "-2h", ""}, timespec.Forms},
}

// settings may be empty, and are checked with the file that may have them.
var settings = []string{"retention", "retention-grace", "retention-size", "cold-after", "scrub-interval"}

// Durations, times and sizes have one grammar: what one flag takes every flag takes, and what it refuses comes back
// with the forms and the exit code of usage, before the command has done anything.
func TestOneGrammarForAllFlags(t *testing.T) {
	word := regexp.MustCompile("`(\\w+)`")
	unit := regexp.MustCompile(`(?i)\b(bytes|(milli)?seconds|minutes|hours|days)\b`)
	seen := make(map[string]int) // flags of each kind
	var walk func(words []string, c *cli.Command)
	walk = func(words []string, c *cli.Command) {
		words = append(slices.Clip(words), c.Name)
		for _, sub := range c.Subcommands {
			walk(words, sub)
		}
		for _, f := range c.Flags {
			name, usage := f.Names()[0], f.(cli.DocGenerationFlag).GetUsage()
			path := strings.Join(words, " ") + " --" + name
			kind := ""
			if m := word.FindStringSubmatch(usage); m != nil {
				kind = m[1]
			}
			switch f.(type) {
			case *cli.DurationFlag, *cli.TimestampFlag:
				t.Errorf("%s has a grammar of its own", path)
			case *cli.IntFlag, *cli.Int64Flag, *cli.UintFlag, *cli.Uint64Flag, *cli.Float64Flag:
				if unit.MatchString(usage) {
					t.Errorf("%s is a number with a unit in its help: %s", path, usage)
				}
			}
			if k, ours := kindsOfLiteral[kind]; ours {
				seen[kind]++
				k.check(t, words, f)
			}
		}
	}
	app := newApp(io.Discard, io.Discard)
	for _, c := range app.Commands {
		walk(nil, c)
	}
	for kind := range kindsOfLiteral {
		if seen[kind] == 0 {
			t.Errorf("no flag takes a %s: the test looks for the wrong word", kind)
		}
	}
}

func (k literals) check(t *testing.T, words []string, f cli.Flag) {
	name := f.Names()[0]
	path := strings.Join(words, " ") + " --" + name
	setting := slices.Contains(settings, name)
	if setting && words[0] == "debug" {
		return // a bundle is made whatever is wrong with the server's settings, and tells it
	}
	for _, bad := range k.bad {
		if bad == "" && setting {
			continue
		}
		code, out, said := commandLine(t, append(slices.Clip(words), "--"+name+"="+bad)...)
		if words[0] == "doctor" && code == 1 { // it tells of a setting as of all that is wrong
			code, said = 2, out
		}
		if code != 2 || !strings.Contains(said, k.forms) || !strings.Contains(said, "-"+name) {
			t.Errorf("%s=%s: exit %d, want 2 and the forms: %s", path, bad, code, said)
		}
	}
	for _, good := range k.good {
		if g, ok := f.(*cli.GenericFlag); ok {
			if err := g.Value.Set(good); err != nil {
				t.Errorf("%s=%s is refused: %v", path, good, err)
			}
			continue
		}
		if !setting {
			t.Errorf("%s is checked by nothing when the command line is parsed", path)
		}
		_, _, said := commandLine(t, "config", "view", "--"+name+"="+good)
		if said != "" && !strings.Contains(said, "want at least") { // which is not about the form
			t.Errorf("%s=%s is refused: %s", path, good, said)
		}
	}
}
