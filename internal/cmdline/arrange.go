package cmdline

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// Arrange puts a command line into the order that the parser takes: the command's words, then its flags, then "--" and
// its arguments. So flags may stand anywhere: before the command, after it, and after arguments. After a "--" all is
// arguments.
//
// A flag is known by its name. One that takes a value in some commands and is a switch in others is what the command
// before it says; a switch, where none is.
func Arrange(app *cli.App, args []string) []string {
	if len(args) == 0 {
		return args
	}
	known := make(takes)
	known.flags(app.Flags)
	known.commands(app.Commands)
	words, flags, rest := []string{args[0]}, []string(nil), []string(nil)
	level, command := app.Commands, new(cli.Command)
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
			if !strings.Contains(name, "=") && known.value(command, name) && i+1 < len(args) {
				i++
				flags = append(flags, args[i])
			}
		case a == "help" && inCommand: // help share add: share add --help
			help = true
		default:
			next := find(level, a)
			if inCommand && next != nil {
				words, level, command = append(words, a), next.Subcommands, next
				continue
			}
			inCommand = false
			rest = append(rest, a)
		}
	}
	switch {
	case len(level) > 0 && len(rest) > 0 && command.ArgsUsage == "": // no such command: its flags would only hide that
		flags = nil
	case help: // and nothing else: a noun has none of its commands' flags, and an argument would be taken for a command
		flags, rest = []string{"--help"}, nil
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

// takes says which flags take a value, and which are switches somewhere.
type takes map[string]struct{ value, toggle bool }

func (t takes) commands(commands []*cli.Command) {
	for _, c := range commands {
		t.flags(c.Flags)
		t.commands(c.Subcommands)
	}
}

func (t takes) flags(flags []cli.Flag) {
	for _, f := range flags {
		for _, name := range f.Names() {
			k := t[name]
			if takesValue(f) {
				k.value = true
			} else {
				k.toggle = true
			}
			t[name] = k
		}
	}
}

// value reports whether a flag takes a value, as a flag of command if that has it.
func (t takes) value(command *cli.Command, name string) bool {
	k := t[name]
	if k.value && k.toggle {
		for _, f := range command.Flags {
			if slices.Contains(f.Names(), name) {
				return takesValue(f)
			}
		}
		return false
	}
	return k.value
}

func takesValue(f cli.Flag) bool {
	v, ok := f.(cli.DocGenerationFlag)
	return ok && v.TakesValue()
}
