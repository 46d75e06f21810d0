package cmdline

import (
	"github.com/urfave/cli/v2"
)

// Made is the answer to what adds something.
type Made struct {
	ID    uint64 `json:"id"`
	Index uint64 `json:"index,omitempty"`
}

// APICommand is a command that asks the API.
func APICommand(name, usageText, args string, action func(*cli.Context, *Client) error, flags ...cli.Flag) *cli.Command {
	return &cli.Command{
		Name: name, Usage: usageText, ArgsUsage: args, Flags: apiFlags(flags...),
		Action: func(c *cli.Context) error {
			api, err := NewClient(c)
			if err != nil {
				return err
			}
			return action(c, api)
		},
	}
}
