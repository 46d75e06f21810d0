package cmdline

import (
	"github.com/urfave/cli/v2"

	"hpfriends/api"
)

// aliases are the long forms of short names.
var aliases = map[string][]string{"ls": {"list"}, "rm": {"remove"}}

// APICommand returns a command that asks the API. The action finds as many arguments as argsUsage says, see Args.
func APICommand(name, usage, argsUsage string, action func(*cli.Context, *api.Client) error,
	flags ...cli.Flag) *cli.Command {
	return &cli.Command{
		Name: name, Aliases: aliases[name], Usage: usage, ArgsUsage: argsUsage, Flags: apiFlags(flags...),
		Action: func(c *cli.Context) error {
			if _, err := Args(c); err != nil {
				return err
			}
			if err := enterContext(c); err != nil {
				return err
			}
			server, err := newClient(c)
			if err != nil {
				return err
			}
			return answered(c, action(c, server))
		},
	}
}
