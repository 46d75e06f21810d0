package cmdline

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// completionFlag is what the scripts for shells put last, for the library to list what could stand there.
const completionFlag = "--generate-bash-completion"

// Arrange puts a command line into the order that the parser takes: the command's words, then its flags, then "--" and
// its arguments. So flags may stand anywhere: before the command, after it, and after arguments. After a "--" all is
// arguments.
//
// A flag is known by its name alone; no name is a switch in one command and takes a value in another.
func Arrange(app *cli.App, args []string) []string {
	if len(args) == 0 {
		return args
	}
	if last := len(args) - 1; args[last] == completionFlag && !slices.Contains(args, "--") {
		out := Arrange(app, args[:last])
		if i := slices.Index(out, "--"); i >= 0 { // the library completes nothing behind it
			out = out[:i]
		}
		return append(out, completionFlag)
	}
	takes := make(map[string]bool)
	collectFlags(app.Flags, takes)
	collectCommands(app.Commands, takes)
	words, flags, rest := []string{args[0]}, []string(nil), []string(nil)
	level := app.Commands
	inCommand, help := true, false
	for i := 1; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			rest = append(rest, args[i+1:]...)
			i = len(args)
		case len(a) > 1 && a[0] == '-':
			name := strings.TrimLeft(a, "-")
			if name == "help" || name == "h" {
				help = true
				continue
			}
			flags = append(flags, a)
			if !strings.Contains(name, "=") && takes[name] && i+1 < len(args) {
				i++
				flags = append(flags, args[i])
			}
		case a == "help" && inCommand: // help share add: share add --help
			help = true
		default:
			next := find(level, a)
			if inCommand && next != nil {
				words, level = append(words, a), next.Subcommands
				continue
			}
			inCommand = false
			rest = append(rest, a)
		}
	}
	switch {
	case len(level) > 0 && len(rest) > 0: // there is no such command: its flags would only hide that
		flags = nil
	case help: // and nothing else: a noun has none of its commands' flags
		flags = []string{"--help"}
	}
	out := append(words, flags...)
	if len(rest) > 0 {
		out = append(append(out, "--"), rest...)
	}
	return out
}

func find(level []*cli.Command, name string) *cli.Command {
	for _, c := range level {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

func collectCommands(commands []*cli.Command, takes map[string]bool) {
	for _, c := range commands {
		collectFlags(c.Flags, takes)
		collectCommands(c.Subcommands, takes)
	}
}

func collectFlags(flags []cli.Flag, takes map[string]bool) {
	for _, f := range flags {
		v, ok := f.(cli.DocGenerationFlag)
		for _, name := range f.Names() {
			takes[name] = takes[name] || ok && v.TakesValue()
		}
	}
}
