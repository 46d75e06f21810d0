package program

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"hpfriends/internal/cmdline"
	"hpfriends/internal/golden"
)

// What --help says of every command is pinned, so that a flag or a text that changes is a decision. Each file is a
// command with all that is below it.
func TestHelpTexts(t *testing.T) {
	for _, setting := range os.Environ() { // which the defaults would show
		if name, _, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "HPFRIENDS_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	var text bytes.Buffer
	help := func(words ...string) {
		t.Helper()
		args := append(append([]string{"hpfriends"}, words...), "--help")
		fmt.Fprintf(&text, "$ %s\n", strings.Join(args, " "))
		var errs bytes.Buffer
		if code := run(t.Context(), args, &text, &errs); code != 0 || errs.Len() > 0 {
			t.Errorf("%s: exit %d: %s", strings.Join(args, " "), code, errs.String())
		}
	}
	var walk func(c *cli.Command, words ...string)
	walk = func(c *cli.Command, words ...string) {
		words = append(words, c.Name)
		help(words...)
		for _, sub := range c.Subcommands {
			walk(sub, words...)
		}
	}
	help()
	golden.Compare(t, filepath.Join("help", "hpfriends.txt"), text.Bytes())
	pinned := map[string]bool{"hpfriends.txt": true}
	for _, c := range newApp(io.Discard, io.Discard).Commands {
		text.Reset()
		walk(c)
		golden.Compare(t, filepath.Join("help", c.Name+".txt"), text.Bytes())
		pinned[c.Name+".txt"] = true
	}
	files, err := os.ReadDir(filepath.Join("testdata", "golden", "help"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !pinned[f.Name()] {
			t.Errorf("%s: there is no such command any more", f.Name())
		}
	}
}

// docs/cli.md is what the program says of itself now. It is written with -update.
func TestReferenceIsOfThisProgram(t *testing.T) {
	var text, errs bytes.Buffer
	if code := run(t.Context(), []string{"hpfriends", "gen", "cli"}, &text, &errs); code != 0 || errs.Len() > 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	golden.Compare(t, "../../../../../docs/cli.md", text.Bytes())
}

// The manual page has every command with what it takes: arguments, flags and their environment.
func TestManualHasAllCommands(t *testing.T) {
	var page, errs bytes.Buffer
	if code := run(t.Context(), []string{"hpfriends", "gen", "man"}, &page, &errs); code != 0 || errs.Len() > 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	text := regexp.MustCompile(`\\f[A-Z]`).ReplaceAllString(page.String(), "")
	text = strings.NewReplacer(`\-`, "-", `\%`, "", `\\`, `\`).Replace(text)
	seen := 0
	has := func(what string) {
		t.Helper()
		if seen++; !strings.Contains(text, what) {
			t.Errorf("the manual lacks %q", what)
		}
	}
	var walk func(words string, commands []*cli.Command)
	walk = func(words string, commands []*cli.Command) {
		for _, c := range commands {
			if c.Hidden {
				continue
			}
			name := words + c.Name
			if c.UsageText == "" {
				has("\n" + strings.TrimSpace("hpfriends "+name+" [options] "+c.ArgsUsage))
			}
			for _, f := range c.Flags {
				if d, ok := f.(cli.DocGenerationFlag); ok {
					has("--" + f.Names()[0])
					for _, env := range d.GetEnvVars() {
						has(env)
					}
				}
			}
			walk(name+" ", c.Subcommands)
		}
	}
	walk("", newApp(io.Discard, io.Discard).Commands)
	if seen < 1000 {
		t.Errorf("looked for %d", seen)
	}
}

// examples are those of the reference, in the order in which they run.
func examples(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../reference/examples.sh")
	if err != nil {
		t.Fatal(err)
	}
	return strings.FieldsFunc(string(text), func(c rune) bool { return c == '\n' })[1:] // behind what it is
}

// reference is docs/cli.md by its sections, whose names are those of commands.
func reference(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := make(map[string]string)
	for _, section := range regexp.MustCompile(`(?m)^##+ `).Split(string(text), -1) {
		name, body, _ := strings.Cut(section, "\n")
		sections[name] = body
	}
	return sections
}

// The reference has each example, at its command.
func TestReferenceHasTheExamples(t *testing.T) {
	var got []string
	block := regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")
	for _, body := range reference(t) {
		for _, b := range block.FindAllStringSubmatch(body, -1) {
			got = append(got, strings.Split(strings.TrimSpace(b[1]), "\n")...)
		}
	}
	slices.Sort(got)
	if want := slices.Sorted(slices.Values(examples(t))); !slices.Equal(got, want) {
		t.Errorf("the reference has not the examples that there are:\n%q\n%q", got, want)
	}
}

// A flag that the reference has "as with" another command is explained there, and not sent on once more.
func TestReferenceLeadsToFlags(t *testing.T) {
	sections, seen := reference(t), 0
	for name, body := range sections {
		for _, m := range regexp.MustCompile("(?m)^- (`--.*`): as with \\[(.*)\\]\\(#.*\\)$").FindAllStringSubmatch(body, -1) {
			there := sections[m[2]]
			if m[2] == "many" {
				there = sections["Flags of many commands"]
			}
			for flag := range strings.SplitSeq(m[1], ", ") {
				seen++
				line := regexp.MustCompile("(?m)^- " + strings.TrimSuffix(flag, "`") + "[ `].*$").FindString(there)
				if line == "" || strings.Contains(line, ": as with [") {
					t.Errorf("%s sends %s to %s, which does not explain it", name, flag, m[2])
				}
			}
		}
	}
	if seen < 100 {
		t.Errorf("%d flags are explained elsewhere: this test looks at too little", seen)
	}
}

// A help text fits a terminal, but for the lines of flags and commands, which the library does not break.
func TestDescriptionsFitATerminal(t *testing.T) {
	const columns = 80 - 3 // that the library indents by
	var walk func(name, description string, commands []*cli.Command)
	walk = func(name, description string, commands []*cli.Command) {
		for line := range strings.Lines(description) {
			if n := len(strings.TrimSuffix(line, "\n")); n > columns {
				t.Errorf("%s: %d columns: %s", name, n, line)
			}
		}
		for _, c := range commands {
			walk(name+" "+c.Name, c.Description, c.Subcommands)
		}
	}
	app := newApp(io.Discard, io.Discard)
	walk("hpfriends", app.Description, app.Commands)
}

// The count of arguments is what the help says.
func TestArgumentsAreCounted(t *testing.T) {
	for usage, counts := range map[string][2]int{ // the least and the most, -1: any
		"": {0, 0}, "NAME": {1, 1}, "GROUP USER": {2, 2}, "[NODE]": {0, 1}, "TIME [TIME]": {1, 2}, "FILE...": {1, -1},
		"[DATA...]": {0, -1},
	} {
		for n := range 4 {
			c := &cli.Command{Name: "x", ArgsUsage: usage, Action: func(c *cli.Context) error {
				args, err := cmdline.Args(c)
				if len(args) != n && err == nil {
					t.Errorf("%q: %d arguments of %d", usage, len(args), n)
				}
				return err
			}}
			app := &cli.App{Commands: []*cli.Command{c}, ExitErrHandler: func(*cli.Context, error) {}}
			err := app.Run(append([]string{"p", "x"}, make([]string, n)...))
			if want := n >= counts[0] && (counts[1] < 0 || n <= counts[1]); (err == nil) != want {
				t.Errorf("%q takes %d arguments: %v, want %v", usage, n, err == nil, want)
			}
		}
	}
}
