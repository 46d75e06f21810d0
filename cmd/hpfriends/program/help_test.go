package program

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
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
