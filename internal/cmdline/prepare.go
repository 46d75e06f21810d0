package cmdline

import (
	"github.com/urfave/cli/v2"
)

// Prepare gives a command and those below it what all have.
func Prepare(c *cli.Command) {
	c.OnUsageError = UsageError
	c.HideHelpCommand = true // arrange makes "help x" of it
	if len(c.Subcommands) == 0 {
		requireFlags(c)
		return
	}
	if c.Action == nil {
		c.Action = func(ctx *cli.Context) error {
			if name := ctx.Args().First(); name != "" {
				return UnknownCommand(name, c.Subcommands)
			}
			return cli.ShowSubcommandHelp(ctx)
		}
	}
	for _, sub := range c.Subcommands {
		Prepare(sub)
	}
}

func UsageError(_ *cli.Context, err error, _ bool) error { return Usage("%v", err) }

// requireFlags has the command check for its required flags. The library's own check would print the help first, and
// does not say that it is about usage.
func requireFlags(c *cli.Command) {
	var required []string
	for _, f := range c.Flags {
		if s, ok := f.(*cli.StringFlag); ok && s.Required {
			s.Required = false
			required = append(required, s.Name)
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

func UnknownCommand(name string, among []*cli.Command) error {
	var names []string
	for _, c := range among {
		names = append(names, c.Names()...)
	}
	return Usage("there is no command %q%s", name, Suggest(name, names))
}
