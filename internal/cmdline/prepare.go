package cmdline

import (
	"regexp"

	"github.com/urfave/cli/v2"
)

// Prepare gives a command of program and those below it what all have. It changes them: each is prepared once.
func Prepare(program string, c *cli.Command) {
	c.OnUsageError = UsageError
	c.HideHelpCommand = true // Arrange makes "x --help" of "help x"
	name := program + " " + c.Name
	if len(c.Subcommands) == 0 || c.Action != nil {
		hideFalse(c)
		requireFlags(c)
	}
	if c.Action == nil {
		c.UsageText = name + " COMMAND [options] [arguments]"
		c.Action = func(ctx *cli.Context) error {
			if name := ctx.Args().First(); name != "" {
				return UnknownCommand(name, c.Subcommands)
			}
			return cli.ShowSubcommandHelp(ctx)
		}
	}
	for _, sub := range c.Subcommands {
		Prepare(name, sub)
	}
}

// badValue is how the library tells of a value that a flag does not take.
var badValue = regexp.MustCompile(`^invalid value ("(?:[^"\\]|\\.)*") for flag -(\S+): (.*)$`)

// unknownFlag is how it tells of a flag that there is not.
var unknownFlag = regexp.MustCompile(`^flag provided but not defined: -(\S+)$`)

// UsageError makes a Usage error of one that the library has with a command line.
func UsageError(c *cli.Context, err error, _ bool) error {
	if m := unknownFlag.FindStringSubmatch(err.Error()); m != nil {
		var names []string
		for _, f := range c.Command.VisibleFlags() {
			names = append(names, dashes(f.Names()[0])+f.Names()[0])
		}
		typed := dashes(m[1]) + m[1]
		if len(m[1]) == 1 {
			return Usage("there is no flag %s", typed)
		}
		return Usage("there is no flag %s%s", typed, Suggest(typed, names))
	}
	m := badValue.FindStringSubmatch(err.Error())
	if m == nil {
		return Usage("%v", err)
	}
	if m[3] == "parse error" { // all that it says of numbers
		m[3] = "want a whole number"
	}
	return Usage("%s%s %s: %s", dashes(m[2]), m[2], m[1], m[3])
}

func dashes(name string) string {
	if len(name) == 1 {
		return "-"
	}
	return "--"
}

// hideFalse keeps "(default: false)" out of the help: it goes without saying.
func hideFalse(c *cli.Command) {
	for _, f := range c.Flags {
		if b, ok := f.(*cli.BoolFlag); ok {
			b.DisableDefaultText = true
		}
	}
}

// requireFlags has the command check for its required flags, and its help name them. The library's own check would
// print the help first, and does not say that it is about usage.
func requireFlags(c *cli.Command) {
	var required []string
	for _, f := range c.Flags {
		switch f := f.(type) {
		case *cli.StringFlag:
			required = require(required, f.Name, &f.Required, &f.Usage)
		case *cli.GenericFlag:
			required = require(required, f.Name, &f.Required, &f.Usage)
		}
	}
	if len(required) == 0 {
		return
	}
	action := c.Action
	c.Action = func(ctx *cli.Context) error {
		for _, name := range required {
			if ctx.String(name) == "" {
				return Usage("--%s is required", name)
			}
		}
		return action(ctx)
	}
}

func require(names []string, name string, required *bool, usage *string) []string {
	if !*required {
		return names
	}
	*required = false
	*usage += " (required)"
	return append(names, name)
}

// UnknownCommand returns the Usage error for a command that is not among those that there are.
func UnknownCommand(name string, among []*cli.Command) error {
	var names []string
	for _, c := range among {
		names = append(names, c.Names()...)
	}
	return Usage("there is no command %q%s", name, Suggest(name, names))
}
