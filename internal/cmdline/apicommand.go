package cmdline

import (
	"github.com/urfave/cli/v2"

	"hpfriends/api"
)

// APICommand is a command that asks the API.
func APICommand(name, usageText, args string, action func(*cli.Context, *api.Client) error,
	flags ...cli.Flag) *cli.Command {
	return &cli.Command{
		Name: name, Usage: usageText, ArgsUsage: args, Flags: apiFlags(flags...),
		Action: func(c *cli.Context) error {
			server, err := newClient(c)
			if err != nil {
				return err
			}
			return answered(c, action(c, server))
		},
	}
}
